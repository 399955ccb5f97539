#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 700 --height 6 --width 5 --rmin 1 --rmax 8 -o small.npy
  noise dead-leaves -n 3 --seed 2 --height 40 --width 30 -o images.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

READ_RECORD+='
def covariance(model):
    u = model["eigenvectors"].astype(float); lam = model["eigenvalues"].astype(float)
    u = u if u.shape[0] == lam.size else u.T
    return (u.T * lam) @ u
'

@test "gaussian: mean and covariance are those of numpy" {
  needs numpy
  train-linear gaussian --shrink none small.npy -o model.safetensors
  py - <<END
$READ_RECORD
m = read("model.safetensors"); x = np.load("small.npy").reshape(700, 30).astype(float)
assert np.allclose(m["mean"].ravel(), x.mean(0), atol=1e-6)
c = np.cov(x.T, bias=True)
assert np.abs(covariance(m) - c).max() < 1e-6 * np.abs(c).max()
END
}

@test "gaussian: patches are all overlapping windows" {
  needs numpy
  tensor head images.nst | tensor convert -o one.npy
  train-linear gaussian --patch 4 --shrink none one.npy -o model.safetensors
  py - <<END
$READ_RECORD
from numpy.lib.stride_tricks import sliding_window_view
x = sliding_window_view(np.load("one.npy").reshape(40, 30), (4, 4)).reshape(-1, 16).astype(float)
m = read("model.safetensors"); c = np.cov(x.T, bias=True)
assert np.allclose(m["mean"].ravel(), x.mean(0), atol=1e-6)
assert np.abs(covariance(m) - c).max() < 2e-6 * np.abs(c).max()
END
}

@test "gaussian: --shrink oas is the formula, from noisy samples before the noise is taken off" {
  needs numpy
  tensor slice --to 40 small.npy | noise gaussian --sigma 0.1 -o few.npy
  train-linear gaussian --shrink oas --sigma 0.1 few.npy -o model.safetensors
  py - <<END
$READ_RECORD
x = np.load("few.npy").reshape(40, 30).astype(float); s = np.cov(x.T); p, n = 30, 39
t, t2 = np.trace(s), np.trace(s @ s)
rho = min(1, ((1 - 2/p) * t2 + t * t) / ((n + 1 - 2/p) * (t2 - t * t / p)))
w, v = np.linalg.eigh((1 - rho) * s + rho * t / p * np.eye(p))
expected = (v * np.maximum(0, w - .01)) @ v.T
assert np.abs(covariance(read("model.safetensors")) - expected).max() < 1e-6 * np.abs(s).max()
END
}

@test "gaussian: of few samples, shrinkage denoises others better than none, and knows what to do with two" {
  tensor slice --to 25 small.npy >few.nst
  tensor slice --from 100 small.npy | noise gaussian --sigma 0.3 -k -o noisy.nst
  local how
  for how in none qis lw oas lw2020; do
    train-linear gaussian --shrink $how few.nst -o model.safetensors
    denoise --model model.safetensors noisy.nst | metric mse --summary >"$how.json"
    [ $how = none ] || jq -e --slurpfile none none.json '.mse < $none[0].mse' "$how.json"
  done
  tensor slice --to 2 small.npy | train-linear gaussian -o two.safetensors
  denoise --model two.safetensors noisy.nst -o two.nst
}

@test "gaussian: --rank keeps so many, and states remember it" {
  train-linear gaussian --rank 5 small.npy --no-history -o low.safetensors
  tensor info --json low.safetensors >info
  [ "$(value eigenvectors_shape info)" = '[5,30]' ]
  train-linear gaussian --rank 5 --state state.safetensors small.npy
  train-linear merge --no-history state.safetensors -o merged.safetensors
  tensor info --json merged.safetensors >info
  [ "$(value eigenvectors_shape info)" = "[5,30]" ]
  train-linear gaussian --rank 6 --state other.safetensors --first-index 700 small.npy
  fails_with 65 train-linear merge state.safetensors other.safetensors
  grep -q -- '--rank 6, the states before have --rank 5' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 train-linear gaussian --rank 0 small.npy
  fails_with 64 train-linear gaussian --rank most small.npy
  fails_with 64 train-linear gaussian --shrink much small.npy
}

@test "nothing that varies, or nothing beyond the noise, is an error" {
  local i
  for i in 1 2 3; do printf 'P5 4 4 255\n%s' '0123456789abcdef' >"same-$i.pgm"; done
  fails_with 65 train-linear gaussian same-?.pgm -o out.safetensors
  fails_with 65 train-linear gaussian --sigma 5 small.npy -o out.safetensors
  grep -q 'noise' "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e out.safetensors ]
}

@test "stationary: the power spectrum is numpy's" {
  needs numpy
  train-linear stationary --shrink none small.npy -o model.safetensors
  py - <<END
$READ_RECORD
m = read("model.safetensors"); x = np.load("small.npy").astype(float)
p = (np.abs(np.fft.rfft2(x - x.mean()))**2).mean(0) / 30
found = m["power"].reshape(6, 3)
assert np.allclose(found, p, rtol=1e-5, atol=1e-7), np.abs(found - p).max()
END
}

@test "stationary: of few images, ring denoises others better; flat images are an error" {
  noise gaussian-field -n 3 --height 48 --width 40 >few.nst
  noise gaussian-field -n 6 --seed 2 --height 48 --width 40 | noise gaussian --sigma 0.1 -k >noisy.nst
  local how
  for how in none ring; do
    train-linear stationary --shrink $how few.nst -o model.safetensors
    denoise --model model.safetensors noisy.nst | metric mse --summary >"$how.json"
  done
  # The law is isotropic: what is learned of a ring is next to all of it.
  jq -e --slurpfile none none.json '.mse < 0.95 * $none[0].mse' ring.json
  local i
  for i in 1 2 3; do printf 'P5 4 4 255\n%s' '0123456789abcdef' >"same-$i.pgm"; done
  train-linear stationary same-?.pgm -o model.safetensors # the same, but not flat
  for i in 1 2 3; do printf 'P5 4 4 255\n%s' 'aaaaaaaaaaaaaaaa' >"same-$i.pgm"; done
  fails_with 65 train-linear stationary same-?.pgm -o flat.safetensors
  [ ! -e flat.safetensors ]
}

@test "noisy samples: the noise is taken off, whatever its family" {
  needs numpy
  train-linear gaussian small.npy -o clean.safetensors
  for family in "gaussian --sigma 0.2" "poisson --peak 30" "gamma --looks 20" "uniform --width 0.5"; do
    # shellcheck disable=SC2086
    for seed in 1 2 3 4 5 6 7 8; do noise $family --seed $seed small.npy; done | train-linear gaussian -o noisy.safetensors
    py - <<END
$READ_RECORD
c, n = covariance(read("clean.safetensors")), covariance(read("noisy.safetensors"))
assert abs(np.trace(n) / np.trace(c) - 1) < .02, np.trace(n) / np.trace(c)
assert np.linalg.norm(n - c) < .06 * np.linalg.norm(c), np.linalg.norm(n - c) / np.linalg.norm(c)
END
  done
}

@test "any split, merged in any order, gives the single run to 1e-12" {
  needs numpy
  for kind in gaussian stationary; do
    tensor convert --dtype F64 small.npy -o double.npy
    train-linear $kind double.npy -o whole.safetensors
    tensor slice --to 100 double.npy | train-linear $kind --state part-0.safetensors 
    tensor slice --from 100 --to 301 double.npy | train-linear $kind --state part-1.safetensors --first-index 100 
    tensor slice --from 301 double.npy | train-linear $kind --state part-2.safetensors --first-index 301 
    train-linear merge part-2.safetensors part-0.safetensors part-1.safetensors -o merged.safetensors
    py - $kind <<END
$READ_RECORD
import sys
a, b = read("whole.safetensors"), read("merged.safetensors")
if sys.argv[1] == "gaussian": a, b = {"c": covariance(a), "m": a["mean"]}, {"c": covariance(b), "m": b["mean"]}
for k in a: assert np.linalg.norm(a[k] - b[k]) <= 1e-12 * np.linalg.norm(a[k]), (k, np.linalg.norm(a[k] - b[k]))
END
  done
}

@test "merging patches: images in any order" {
  needs numpy
  train-linear gaussian --patch 3 images.nst -o whole.safetensors
  for i in 0 1 2; do
    tensor slice --from $i --to $((i + 1)) images.nst | train-linear gaussian --patch 3 --state part-$i.safetensors --first-index $i 
  done
  train-linear merge part-1.safetensors part-2.safetensors part-0.safetensors -o merged.safetensors
  py - <<END
$READ_RECORD
a, b = covariance(read("whole.safetensors")), covariance(read("merged.safetensors"))
assert np.linalg.norm(a - b) <= 1e-6 * np.linalg.norm(a)
END
}

@test "the same bytes for any number of threads, from file and pipe, batch and split" {
  train-linear gaussian --threads 1 small.npy -o one.safetensors
  train-linear gaussian --threads 3 small.npy -o three.safetensors
  cmp one.safetensors three.safetensors
  tensor cat small.npy | train-linear gaussian --no-history -o pipe.safetensors
  tensor split small.npy | train-linear gaussian --no-history -o split.safetensors
  cmp pipe.safetensors split.safetensors
  train-linear gaussian --patch 5 --threads 1 images.nst -o one.safetensors
  train-linear gaussian --patch 5 --threads 2 images.nst -o two.safetensors
  cmp one.safetensors two.safetensors
}

@test "what cannot be learned is said by name" {
  noise dead-leaves --height 6 --width 6 -o other.nst
  fails_with 65 train-linear gaussian small.npy other.nst -o out.safetensors
  grep -q 'sample' "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e out.safetensors ]
  fails_with 65 train-linear gaussian other.nst -o out.safetensors
  fails_with 65 train-linear gaussian --patch 7 other.nst
  fails_with 64 train-linear banana small.npy
  fails_with 64 train-linear
  fails_with 64 train-linear gaussian --patch 0 small.npy
  fails_with 65 train-linear merge small.npy
  train-linear gaussian --state a.safetensors small.npy
  train-linear stationary --state b.safetensors small.npy
  fails_with 65 train-linear merge a.safetensors b.safetensors
  grep -q kind "$BATS_TEST_TMPDIR/fails.err"
  noise gaussian --sigma 1 small.npy | train-linear gaussian --state b.safetensors 
  fails_with 65 train-linear merge a.safetensors b.safetensors
  train-linear gaussian --patch 3 --state b.safetensors small.npy
  fails_with 65 train-linear merge a.safetensors b.safetensors
  needs numpy
  py -c "import numpy as np; x = np.load('small.npy').copy(); x[500, 2, 2] = np.nan; np.save('nan.npy', x)"
  fails_with 65 train-linear gaussian nan.npy
}

@test "--use learns from a companion, with the noise that it carries" {
  noise gaussian --sigma 0.2 --copies 2 -k images.nst -o noisy.nst
  train-linear gaussian --patch 3 --no-history images.nst -o clean.safetensors
  train-linear gaussian --patch 3 --no-history --use clean noisy.nst -o used.safetensors
  cmp clean.safetensors used.safetensors
  # Of a second copy: what the first teaches but for the draw of the noise, which is taken off of both.
  train-linear gaussian --patch 3 --no-history --use reference.1 noisy.nst -o reference.safetensors
  tensor info --json reference.safetensors >info
  [ "$(value 'noise // .model_noise' info)" != null ]
  fails_with 65 train-linear gaussian --patch 3 --use nothing noisy.nst -o none.safetensors
  [ ! -e none.safetensors ]
}

@test "gaussian --missing: half of the pixels and their law is nearly that of all, nearer than where gaps count as 0" {
  noise gaussian --sigma 0.05 --operator mask:0.5 small.npy -o holes.nst
  train-linear gaussian --missing holes.nst -o missing.safetensors
  train-linear gaussian --shrink none holes.nst -o zeros.safetensors
  train-linear gaussian --shrink none small.npy -o clean.safetensors
  noise gaussian --sigma 0.2 -k small.npy -o noisy.nst
  for m in missing zeros clean; do denoise --model $m.safetensors noisy.nst | metric mse --summary >$m.json; done
  # A pair of pixels is seen in a quarter of the samples: the law is known about as well as from 175 whole ones.
  jq -e --slurpfile clean clean.json '.mse < 1.1 * $clean[0].mse' missing.json
  jq -e --slurpfile missing missing.json '.mse > 1.1 * $missing[0].mse' zeros.json
  # The companion mask is asked first: here it hides whole samples.
  needs numpy
  tensor convert holes.nst -o holes.npy
  py - <<'END_OF_PYTHON'
import json, numpy as np, struct
x = np.load("holes.npy").astype("<f4")
mask = np.ones(x.shape, "u1"); mask[::3] = 0
body = x.tobytes() + mask.tobytes()
head = json.dumps({"__metadata__": {"axes": "NHW"}, "data": {"dtype": "F32", "shape": x.shape, "data_offsets": [0, x.nbytes]},
                   "mask": {"dtype": "U8", "shape": x.shape, "data_offsets": [x.nbytes, len(body)]}}).encode()
head += b" " * (-(8 + len(head)) % 64)
open("hidden.nst", "wb").write(struct.pack("<Q", len(head)) + head + body)
END_OF_PYTHON
  fails_with 65 train-linear gaussian --missing --sigma 0.05 hidden.nst -o out.safetensors
  grep -q 'hides everything' "$BATS_TEST_TMPDIR/fails.err"
  noise gaussian --sigma 0.05 --operator blur:1 small.npy -o blurred.nst
  fails_with 65 train-linear gaussian --missing blurred.nst -o out.safetensors
  [ ! -e out.safetensors ]
}

@test "gaussian --weigh: of samples of very different noise the better ones count" {
  noise gaussian --sigma 0.05:1 small.npy -o mixed.nst
  noise gaussian --sigma 0.2 -k --seed 9 small.npy -o noisy.nst
  train-linear gaussian mixed.nst -o plain.safetensors
  train-linear gaussian --weigh mixed.nst -o weighed.safetensors
  for m in plain weighed; do denoise --model $m.safetensors noisy.nst | metric mse --summary >$m.json; done
  jq -e --slurpfile plain plain.json '.mse < 0.95 * $plain[0].mse' weighed.json
  fails_with 64 train-linear gaussian --weigh --shrink lw mixed.nst
  fails_with 64 train-linear gaussian --weigh --missing mixed.nst
  # One level of noise is no difference but rounding.
  train-linear gaussian --no-history --shrink none --sigma 0.1 small.npy -o one.safetensors
  train-linear gaussian --no-history --shrink none --sigma 0.1 --weigh small.npy -o two.safetensors
  denoise --model one.safetensors noisy.nst -o one.npy
  denoise --model two.safetensors noisy.nst -o two.npy
  metric rmse --reference one.npy two.npy | jq -e '.rmse < 1e-5'
}

@test "kronecker: the fit is numpy's flip-flop, and denoising by it the Wiener filter of the product" {
  needs numpy
  tensor convert --dtype F64 small.npy -o double.npy
  train-linear kronecker double.npy -o model.safetensors
  noise gaussian --sigma 0.3 double.npy -o noisy.npy
  denoise --model model.safetensors --sigma 0.3 noisy.npy -o estimate.npy
  py - <<'END_OF_PYTHON'
import numpy as np
x = np.load("double.npy"); m = x.mean(0); c = x - m; a, b = np.eye(6), np.eye(5)
for _ in range(200):
    a = np.einsum("nij,jk,nlk->il", c, np.linalg.inv(b), c) / (700 * 5)
    b = np.einsum("nij,ik,nkl->jl", c, np.linalg.inv(a), c) / (700 * 6)
s = np.kron(a, b)
y = np.load("noisy.npy").reshape(700, 30)
expected = m.ravel() + (y - m.ravel()) @ np.linalg.solve(s + .09 * np.eye(30), s)
found = np.load("estimate.npy").reshape(700, 30)
assert np.abs(found - expected).max() < 1e-7, np.abs(found - expected).max()
END_OF_PYTHON
  tensor slice --to 400 double.npy | train-linear kronecker --state one.safetensors
  tensor slice --from 400 double.npy | train-linear kronecker --first-index 400 --state two.safetensors
  train-linear merge two.safetensors one.safetensors -o merged.safetensors
  denoise --model merged.safetensors --sigma 0.3 noisy.npy -o merged.npy
  metric rmse --reference estimate.npy merged.npy | jq -e '.rmse < 1e-9'
  fails_with 65 train-linear kronecker --axes ND double.npy -o out.safetensors
}

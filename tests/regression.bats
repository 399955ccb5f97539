#!/usr/bin/env bats
# train-linear regression, features and empirical: denoisers fitted in closed form, and the samples as the law.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --height 6 --width 5 --rmin 1 --rmax 8 -o small.npy
  noise dead-leaves -n 2 --seed 2 --height 60 --width 50 -o images.nst
  noise gaussian --sigma 0.1 --copies 2 -k small.npy -o small-noisy.nst
  noise gaussian --sigma 0.1 --copies 2 -k images.nst -o noisy.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# The Python below reads the records of a stream: a list of tensors by name.
read_records='
import json, numpy as np
CODES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
def records(path):
    raw = open(path, "rb").read(); out = []
    while raw:
        n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n]); h.pop("__metadata__", None)
        body = raw[8+n:]; end = max(v["data_offsets"][1] for v in h.values())
        out.append({k: np.frombuffer(body[slice(*v["data_offsets"])], CODES[v["dtype"]]).reshape(v["shape"]) for k, v in h.items()})
        raw = body[end:]
    return out
def model(path): return {k: v.astype(float) for k, v in records(path)[0].items()}
'

@test "every loss: the filter is numpy's, from the same samples" {
  needs numpy
  for loss in supervised n2n sure "r2r --alpha 0.7" "ar-dae --smoothing 0.05" blind-spot "blind-spot --centre"; do
    # shellcheck disable=SC2086
    train-linear regression --loss $loss small-noisy.nst -o model.safetensors
    py - "$loss" <<END
$read_records
import sys
r = records("small-noisy.nst"); m = model("model.safetensors")
y, x, other = (np.concatenate([s[k].reshape(-1, 30) for s in r]).astype(float) for k in ("data", "clean", "reference.1"))
n, d = y.shape; s2 = .1**2
yc = y - y.mean(0); S = yc.T @ yc / n
lam, V = np.linalg.eigh(S); K = np.linalg.inv(S + 1e-8 * np.trace(S) / d * np.eye(d))
gains = lambda f: (V * np.maximum(f(lam), 0)) @ V.T
v = np.maximum(1 / np.diag(K) - s2, 0)
blind = np.eye(d) - K / np.diag(K)[:, None]; np.fill_diagonal(blind, 0)
W = {"supervised": (x - x.mean(0)).T @ yc / n @ K, "n2n": (other - other.mean(0)).T @ yc / n @ K,
     "sure": gains(lambda l: 1 - s2 / l), "r2r --alpha 0.7": gains(lambda l: (l - s2) / (l + .49 * s2)),
     "ar-dae --smoothing 0.05": gains(lambda l: 1 - s2 / (l + .0025)), "blind-spot": blind,
     "blind-spot --centre": (s2 * blind + np.diag(v)) / (v + s2)[:, None]}[sys.argv[1]]
assert np.abs(m["weights"] - W).max() < 2e-5, np.abs(m["weights"] - W).max()
target = {"supervised": x, "n2n": other}.get(sys.argv[1], y).mean(0)
assert np.abs(m["offset"] - (target - W @ y.mean(0))).max() < 2e-5
END
  done
}

@test "the estimate is W y + b; of patches the average over those that cover a pixel" {
  needs numpy
  train-linear regression --loss blind-spot --patch 3 noisy.nst -o model.safetensors
  denoise --model model.safetensors noisy.nst -o denoised.nst
  py - <<END
$read_records
m = model("model.safetensors")
for y, found in zip(records("noisy.nst"), records("denoised.nst")):
    y = y["data"].astype(float); total = np.zeros_like(y); often = np.zeros_like(y)
    for r in range(y.shape[0] - 2):
        for c in range(y.shape[1] - 2):
            x = m["weights"] @ y[r:r+3, c:c+3].ravel() + m["offset"]
            total[r:r+3, c:c+3] += x.reshape(3, 3); often[r:r+3, c:c+3] += 1
    assert np.abs(total / often - found["data"]).max() < 1e-5
END
}

@test "a fitted denoiser is refused at other noise, and where a law is asked for" {
  train-linear regression small-noisy.nst -o model.safetensors
  noise gaussian --sigma 0.2 small.npy -o more.nst
  fails_with 65 denoise --model model.safetensors more.nst
  [ ! -s "$BATS_TEST_TMPDIR/fails.out" ]
  fails_with 65 denoise --model model.safetensors more.nst -o refused.nst
  grep -q 'sigma 0.1, and is asked for sigma 0.2' "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e refused.nst ]
  fails_with 64 score log-density --model model.safetensors small-noisy.nst
  fails_with 64 sample --model model.safetensors --sampler exact
  train-linear regression --valid 0.1:0.3 small-noisy.nst -o model.safetensors
  denoise --model model.safetensors more.nst -o denoised.nst
  # The score is Tweedie's.
  train-linear regression small-noisy.nst -o model.safetensors
  score --model model.safetensors --keep-noisy small-noisy.nst | score convert --to denoiser -o converted.npy
  denoise --model model.safetensors small-noisy.nst -o denoised.npy
  needs numpy
  py -c "import numpy as np; assert np.abs(np.load('converted.npy') - np.load('denoised.npy')).max() < 1e-5"
}

@test "bad requests are said by name" {
  fails_with 65 train-linear regression small.npy -o out.safetensors
  grep -q 'is clean' "$BATS_TEST_TMPDIR/fails.err"
  noise gaussian --sigma 0.1 small.npy -o alone.nst
  fails_with 65 train-linear regression --loss supervised alone.nst
  grep -q 'no tensor "clean"' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear features --loss n2n alone.nst
  fails_with 64 train-linear regression --loss sure --alpha 1 alone.nst
  fails_with 64 train-linear regression --loss neighbor alone.nst
  fails_with 64 train-linear regression --loss blind-spot --block 2 alone.nst
  fails_with 64 train-linear regression --loss blind-spot --block 7 alone.nst
  fails_with 64 train-linear regression --stride 2 alone.nst
  fails_with 65 train-linear regression --loss neighbor --patch 4 alone.nst
  fails_with 65 train-linear empirical alone.nst
  fails_with 65 denoise --self --sub-images 20 small-noisy.nst
}

@test "any split, merged in any order, gives the single run; other options do not merge" {
  needs numpy
  for kind in "regression --loss neighbor --patch 3" "regression --loss n2n --patch 4" "features --features 20 --patch 4" "empirical --use clean --patch 2"; do
    # shellcheck disable=SC2086
    train-linear $kind noisy.nst -o whole.safetensors
    for i in 0 1; do
      # shellcheck disable=SC2086
      tensor slice --from $i --to $((i + 1)) noisy.nst | train-linear $kind --state part-$i.safetensors --first-index $i
    done
    train-linear merge part-1.safetensors part-0.safetensors -o merged.safetensors
    py - <<END
$read_records
a, b = model("whole.safetensors"), model("merged.safetensors")
assert a.keys() == b.keys()
if "samples" in a:  # patches stand as they came
    for m in (a, b): m["samples"] = m["samples"][np.lexsort(m["samples"].T)]
for k in a: assert np.abs(a[k] - b[k]).max() <= 1e-3 * np.abs(a[k]).max(), (k, np.abs(a[k] - b[k]).max())
END
  done
  tensor slice --to 1 noisy.nst | train-linear regression --loss sure --patch 3 --state part-0.safetensors
  tensor slice --from 1 noisy.nst | train-linear regression --loss r2r --patch 3 --state part-1.safetensors --first-index 1
  fails_with 65 train-linear merge part-0.safetensors part-1.safetensors
}

@test "the same bytes for any number of threads" {
  for kind in "regression --loss neighbor" "regression --loss blind-spot --block 3" "features --features 30"; do
    # shellcheck disable=SC2086
    train-linear $kind --patch 4 --threads 1 noisy.nst -o one.safetensors
    # shellcheck disable=SC2086
    train-linear $kind --patch 4 --threads 3 noisy.nst -o three.safetensors
    cmp one.safetensors three.safetensors
    denoise --model one.safetensors --threads 1 noisy.nst -o one.nst
    denoise --model one.safetensors --threads 3 noisy.nst -o three.nst
    cmp one.nst three.nst
  done
}

@test "--stride: noise that is correlated with its neighbours is white on every second pixel" {
  needs numpy
  py -c "import numpy as np; np.save('kernel.npy', np.ones((2, 2), np.float32) / 2)"
  noise correlated --sigma 0.1 --kernel kernel.npy -k images.nst -o smooth.nst
  train-linear regression --loss sure --patch 5 smooth.nst -o plain.safetensors
  train-linear regression --loss sure --patch 5 --stride 2 smooth.nst -o strided.safetensors
  tensor info --json strided.safetensors | grep -q '"model.stride" *: *"2"'
  plain=$(denoise --model plain.safetensors smooth.nst | metric psnr | jq -s 'map(.psnr) | add')
  strided=$(denoise --model strided.safetensors smooth.nst | metric psnr | jq -s 'map(.psnr) | add')
  # The plain filter takes the noise for structure of the image: most of it stays.
  awk -v a="$plain" -v b="$strided" 'BEGIN { exit !(b > a + 1) }'
  # The tool's own stride comes first.
  denoise --model strided.safetensors smooth.nst --no-history -o own.nst
  denoise --model strided.safetensors --sub-images 2 smooth.nst --no-history -o same.nst
  cmp own.nst same.nst
  denoise --model strided.safetensors --sub-images 1 smooth.nst --no-history -o other.nst
  run cmp -s own.nst other.nst
  [ "$status" -eq 1 ]
}

@test "features see more than the affine filter does, with clean samples and without" {
  # Two small images are few for 256 features, and without clean samples the fit has more variance.
  for loss_gain in supervised:0.5 sure:0.2; do
    loss=${loss_gain%:*} gain=${loss_gain#*:}
    train-linear regression --loss "$loss" --patch 5 noisy.nst -o affine.safetensors
    train-linear features --loss "$loss" --patch 5 noisy.nst -o features.safetensors
    affine=$(denoise --model affine.safetensors noisy.nst | metric psnr | jq -s 'map(.psnr) | add / length')
    features=$(denoise --model features.safetensors noisy.nst | metric psnr | jq -s 'map(.psnr) | add / length')
    awk -v a="$affine" -v b="$features" -v gain="$gain" 'BEGIN { exit !(b > a + gain) }'
  done
}

@test "empirical: clean samples themselves come back, and are what is drawn" {
  train-linear empirical small.npy -o law.safetensors
  noise gaussian --sigma 0.01 -k small.npy | denoise --model law.safetensors -o denoised.nst
  needs numpy
  sample --model law.safetensors --sampler exact -n 20 -o drawn.npy
  py - <<END
$read_records
x = np.load("small.npy")
# Samples are farther apart than 0.01 makes them: each finds itself.
assert np.abs(np.array([r["data"] for r in records("denoised.nst")]) - x).max() < 1e-5
for s in np.load("drawn.npy"): assert np.abs(x - s).reshape(len(x), -1).max(1).min() == 0
END
}

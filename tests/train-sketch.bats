#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 700 --height 12 --width 10 --rmin 1 --rmax 8 -o small.npy
  noise dead-leaves -n 3 --seed 2 --height 40 --width 30 -o images.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

READ_RECORD+='
def covariance(model):
    u = model["eigenvectors"].astype(float); d = u.shape[1]; rho = model["residual_variance"] if "residual_variance" in model else 0
    return (u.T * model["eigenvalues"]) @ u + rho * (np.eye(d) - u.T @ u)
'

@test "sketch: the state is the mean, the trace and S Omega of numpy, Omega of eight signs a row; the model is Tropp's" {
  needs numpy
  train-linear gaussian --sketch 20 --state state.safetensors small.npy
  train-linear gaussian --sketch 20 --rank 7 small.npy -o model.safetensors
  py - <<END
$READ_RECORD
all = np.load("small.npy").reshape(700, 120).astype(float); d = 120; scale = np.sqrt(20 / (8 * d))
s = read("state.safetensors"); x = all[:512]; c = x - x.mean(0)
assert s["count"] == 512 and list(s["edge_index"]) == list(range(512, 700))
assert np.allclose(s["mean"], x.mean(0), atol=1e-12) and np.isclose(s["squares"], (c * c).sum(), rtol=1e-6)
# The product S Omega determines Omega where S has full rank.
found = np.linalg.solve(c.T @ c, s["product"])
signs = np.round(found)
assert np.abs(found - signs).max() < 0.05 and np.abs(signs).max() == 1 and (np.abs(signs).sum(1) == 8).all()
y = c.T @ (c @ signs)
assert np.abs(s["product"] - y).max() < 2e-6 * np.abs(y).max()
# The model of all rows, those at the edge included.
c = all - all.mean(0); cov = c.T @ c / 700; omega = signs * scale; y = cov @ omega
a = y @ np.linalg.pinv(omega.T @ y) @ y.T
w, v = np.linalg.eigh(a); w, v = w[:-8:-1], v[:, :-8:-1]
expected = (v * w) @ v.T + (np.trace(cov) - w.sum()) / (d - 7) * (np.eye(d) - v @ v.T)
m = read("model.safetensors")
assert m["eigenvectors"].shape == (7, 120)
assert np.abs(covariance(m) - expected).max() < 1e-5 * np.abs(expected).max()
END
}

@test "sketch: of samples of low rank it is the whole covariance, by both methods" {
  needs numpy
  py -c "
import numpy as np; r = np.random.default_rng(1)
np.save('low.npy', (r.standard_normal((400, 5)) @ r.standard_normal((5, 200)) + 1e3))"
  for how in nystrom frequent-directions; do
    train-linear gaussian --axes ND --sketch 12 --rank 5 --sketch-by $how low.npy -o $how.safetensors
    py - <<END
$READ_RECORD
x = np.load("low.npy"); c = np.cov(x.T, bias=True); m = read("$how.safetensors")
assert np.abs(covariance(m) - c).max() < 1e-9 * np.abs(c).max()
assert abs(np.trace(covariance(m)) / np.trace(c) - 1) < 1e-11
END
  done
}

@test "sketch: the noise is taken off, and the trace stays" {
  needs numpy
  noise gaussian --sigma 0.2 small.npy -o noisy.nst
  for how in nystrom frequent-directions; do
    train-linear gaussian --sketch 30 --sketch-by $how small.npy -o clean.safetensors
    train-linear gaussian --sketch 30 --sketch-by $how noisy.nst -o model.safetensors
    py - <<END
$READ_RECORD
c, m = (np.trace(covariance(read(f + ".safetensors"))) for f in ("clean", "model"))
assert abs(c - m) < 0.02 * c, (c, m)
END
  done
  fails_with 65 train-linear gaussian --sketch 30 --sigma 5 small.npy -o out.safetensors
  grep -q noise "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e out.safetensors ]
}

@test "sketch: parts with their indices, in any order, give the whole; a file, a pipe and one thread the same bytes" {
  needs numpy
  train-linear gaussian --sketch 20 --no-history small.npy -o whole.safetensors
  train-linear gaussian --sketch 20 --no-history --threads 1 small.npy -o one.safetensors
  cmp whole.safetensors one.safetensors
  tensor slice small.npy | train-linear gaussian --sketch 20 --no-history -o pipe.safetensors
  cmp whole.safetensors pipe.safetensors
  for part in 0:150 150:400 400:700; do
    tensor slice --from ${part%:*} --to ${part#*:} small.npy |
      train-linear gaussian --sketch 20 --first-index ${part%:*} --state "part-${part%:*}.safetensors"
  done
  train-linear merge part-400.safetensors part-0.safetensors part-150.safetensors -o merged.safetensors
  py - <<END
$READ_RECORD
a, b = (read(f + ".safetensors") for f in ("whole", "merged"))
assert np.abs(a["eigenvalues"] - b["eigenvalues"]).max() < 1e-12 * a["eigenvalues"].max()
assert np.abs(covariance(a) - covariance(b)).max() < 5e-7 * a["eigenvalues"].max()  # eigenvectors are written as floats
END
  fails_with 65 train-linear merge part-0.safetensors part-0.safetensors -o twice.safetensors
  tensor slice --from 150 small.npy |
    train-linear gaussian --sketch 20 --seed 1 --first-index 150 --state seed.safetensors
  fails_with 65 train-linear merge part-0.safetensors seed.safetensors -o other.safetensors
  grep -q -- 'has --seed 1, the states before have no --seed' "$BATS_TEST_TMPDIR/fails.err"
}

@test "sketch: frequent-directions merges within its bound; patches are learned by both" {
  needs numpy
  for part in 0:300 300:700; do
    tensor slice --from ${part%:*} --to ${part#*:} small.npy |
      train-linear gaussian --sketch 20 --rank 20 --sketch-by frequent-directions --first-index ${part%:*} \
        --state "fd-${part%:*}.safetensors"
  done
  train-linear merge fd-300.safetensors fd-0.safetensors -o merged.safetensors
  py - <<END
$READ_RECORD
x = np.load("small.npy").reshape(700, 120).astype(float); c = np.cov(x.T, bias=True); w = np.linalg.eigvalsh(c)[::-1]
m = read("merged.safetensors"); u = m["eigenvectors"].astype(float)
left = np.linalg.eigvalsh(c - (u.T * m["eigenvalues"]) @ u)
bound = min(w[k:].sum() / (20 - k) for k in range(20))
assert left[0] > -1e-6 * w[0] and left[-1] < bound, (left[0], left[-1], bound)
END
  noise gaussian --sigma 0.1 -k images.nst >noisy-images.nst
  train-linear gaussian --patch 6 --rank 12 images.nst -o patches.safetensors
  denoise --model patches.safetensors noisy-images.nst | metric mse --summary >full.json
  for how in nystrom frequent-directions; do
    train-linear gaussian --patch 6 --sketch 30 --rank 12 --sketch-by $how images.nst -o patches.safetensors
    denoise --model patches.safetensors noisy-images.nst | metric mse --summary |
      jq -e --slurpfile full full.json '.mse < 1.1 * $full[0].mse'
  done
}

@test "sketch: what it cannot do is refused in a line" {
  fails_with 64 train-linear gaussian --sketch 20 --shrink qis small.npy
  grep -q 'take none' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 train-linear gaussian --sketch 20 --rank auto small.npy
  fails_with 64 train-linear gaussian --sketch 20 --rank 21 small.npy
  fails_with 64 train-linear gaussian --sketch 20 --rank few small.npy
  fails_with 64 train-linear gaussian --sketch 20 --weigh small.npy
  fails_with 64 train-linear gaussian --sketch 20 --missing small.npy
  fails_with 64 train-linear gaussian --sketch 1 small.npy
  fails_with 64 train-linear gaussian --sketch-by nystrom small.npy
  fails_with 65 train-linear gaussian --sketch 121 small.npy
  grep -q 'above the dimension, 120' "$BATS_TEST_TMPDIR/fails.err"
  local i
  for i in 1 2 3; do printf 'P5 4 4 255\n%s' '0123456789abcdef' >"same-$i.pgm"; done
  for how in nystrom frequent-directions; do
    fails_with 65 train-linear gaussian --sketch 4 --sketch-by $how same-?.pgm -o out.safetensors
  done
  fails_with 65 train-linear gaussian --sketch 4 --scale 1e30 small.npy -o out.safetensors
  grep -q 'smaller scale' "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e out.safetensors ]
}

@test "sketch: a damaged state is refused" {
  train-linear gaussian --sketch 20 --state state.safetensors small.npy
  sed 's/\[\\"20\\"\]/[\\"21\\"]/' state.safetensors >damaged.safetensors
  if cmp -s state.safetensors damaged.safetensors; then false; fi
  fails_with 65 train-linear merge damaged.safetensors -o out.safetensors
  grep -q product "$BATS_TEST_TMPDIR/fails.err"
}

@test "samples by elements that were read as one image are told of --axes ND, before any memory is asked for" {
  py -c "import numpy as np
np.save('wide.npy', np.zeros((500, 784), np.float32)); np.save('flat.npy', np.zeros((5, 7), np.float32))"
  fails_with 65 train-linear gaussian wide.npy -o out.safetensors
  grep -qF 'sample wide.npy: is HW[500,784]: a covariance of 392000 dimensions takes 572 GiB; an array of samples by elements needs --axes ND, or give --sketch' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear gaussian flat.npy -o out.safetensors
  grep -qF 'there is 1 (an array of samples by elements needs --axes ND)' "$BATS_TEST_TMPDIR/fails.err"
}

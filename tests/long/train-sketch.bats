#!/usr/bin/env bats
# A sketch at 100,000 dimensions: its memory, and its eigenvalues against those of the Gram matrix of the samples.
load ../helpers

setup_file() {
  load ../helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 400 --height 250 --width 400 --rmin 4 --rmax 80 >leaves.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "sketch: 100,000 dimensions take 8 d L bytes and a block of samples; a covariance would take 40 GB" {
  # 8 d L = 106 MiB, a block 98 MiB, the model 25 MiB.
  anonymous_peak train-linear gaussian --sketch 138 --rank 64 leaves.nst -o nystrom.safetensors
  [ "$PEAK" -lt 320 ]
  anonymous_peak train-linear gaussian --sketch 138 --rank 64 --sketch-by frequent-directions leaves.nst -o fd.safetensors
  [ "$PEAK" -lt 450 ]
}

@test "sketch: at 100,000 dimensions it misses no more of the trace than the bound says" {
  needs numpy
  tensor convert leaves.nst -o leaves.npy
  train-linear gaussian --sketch 138 --rank 138 leaves.nst -o nystrom.safetensors
  py - <<END
$READ_RECORD
x = np.load("leaves.npy").reshape(400, 100000); x = x - x.mean(0, dtype=float)
w = np.linalg.eigvalsh(x @ x.T / 400)[::-1]
m = read("nystrom.safetensors"); found = m["eigenvalues"]
missed = w.sum() - found.sum()
bound = min((1 + r / (138 - r - 1)) * w[r:].sum() for r in range(1, 137))
print(missed / w.sum(), bound / w.sum(), w[138:].sum() / w.sum())
assert w[138:].sum() < missed < bound
assert (found <= w[:138] * (1 + 1e-5)).all()
assert abs(found.sum() + (100000 - 138) * m["residual_variance"][0] - w.sum()) < 1e-6 * w.sum()
END
}

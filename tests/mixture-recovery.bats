#!/usr/bin/env bats
# When is a mixture of low-rank Gaussians recovered from few samples? Theory: from d + 1 of each subspace of d dimensions.
load helpers

setup() { cd "$BATS_TEST_TMPDIR" || return; }

@test "noise subspaces: K orthogonal subspaces of R dimensions, sample i of number i modulo K, unit variance" {
  needs numpy
  noise subspaces -n 3000 --components 3 --rank 4 --height 4 --width 5 --seed 3 -o x.npy
  py - <<END
import numpy as np
x = np.load("x.npy").reshape(3000, 20).astype(float)
parts = [x[k::3] for k in range(3)]
for k, part in enumerate(parts):
    values = np.linalg.svd(part, compute_uv=False) ** 2 / 1000
    assert values[4] < 1e-10 and abs(values[:4] - 1).max() < 5 * (2 / 1000) ** .5 + 8 / 1000, values
for a in range(3):
    for b in range(a):
        assert np.abs(parts[a] @ parts[b].T).max() < 1e-5
END
  fails_with 64 noise subspaces --components 3 --rank 22
}

@test "mixture --zero-means: two subspaces of 4 dimensions are recovered from 5 samples of each and not from 4" {
  local learn=(train-linear mixture --components 2 --rank 4 --zero-means --restarts 20 --threads 1)
  noise subspaces --rank 4 --height 6 --seed 1 --first-index 100 -n 80 | "${learn[@]}" -o truth.safetensors
  noise subspaces --rank 4 --height 6 --seed 1 -n 10 | "${learn[@]}" -o five.safetensors
  noise subspaces --rank 4 --height 6 --seed 1 -n 8 | "${learn[@]}" -o four.safetensors
  metric subspaces --model five.safetensors --reference-model truth.safetensors --format json >five.json
  metric subspaces --model four.safetensors --reference-model truth.safetensors --format json >four.json
  cat five.json four.json
  sed 's/.*"subspaces_worst":\([-0-9.e]*\).*/\1/' five.json four.json |
    awk 'NR == 1 { five = $1 } NR == 2 { exit !(five < 1e-5 && $1 > 0.5) }'
}

@test "metric subspaces: wants two models that have some" {
  noise subspaces -n 40 --seed 1 -o x.nst
  train-linear mixture --components 2 --rank 6 --zero-means --threads 1 x.nst -o mixture.safetensors
  train-linear stationary x.nst -o stationary.safetensors
  train-linear empirical x.nst -o empirical.safetensors
  fails_with 64 metric subspaces --model mixture.safetensors --reference x.nst
  fails_with 64 metric subspaces --reference x.nst x.nst
  fails_with 65 metric subspaces --model mixture.safetensors --reference-model empirical.safetensors
  metric subspaces --model mixture.safetensors --reference-model mixture.safetensors --format json >same.json
  sed 's/.*"subspaces":\([-0-9.e]*\).*/\1/' same.json | awk '{ exit !($1 < 1e-6) }'
}

@test "scripts/plot-recovery: the step is at d + 1, and drawn" {
  needs gnuplot jq
  BUILD=$BUILD "$BATS_TEST_DIRNAME/../scripts/plot-recovery" --ranks "2 4" --samples "4 5" --trials 1 --rows rows -o picture.svg
  cat rows
  [ "$(awk '$1 == 4' rows)" = "4 4 0
4 5 1" ]
  grep -q '<svg' picture.svg
  fails_with 64 "$BATS_TEST_DIRNAME/../scripts/plot-recovery" -o picture.pdf
  fails_with 64 "$BATS_TEST_DIRNAME/../scripts/plot-recovery" --ranks 40 -o picture.svg
}

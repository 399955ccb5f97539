#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 600 --seed 4 --height 4 --width 3 | tensor convert --dtype F64 -o leaves.npy
  train-linear gaussian --shrink none leaves.npy -o gaussian.safetensors
  train-linear mixture --components 4 leaves.npy -o mixture.safetensors
  noise gaussian --sigma 0.2 -k leaves.npy -o noisy.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "check: a model passes on samples of its own law" {
  sample --sampler exact --model mixture.safetensors -n 800 --dtype F64 | noise gaussian --sigma 0.2 -k -o own.nst
  score check --model mixture.safetensors own.nst >row.json
  jq -e '.asymmetry < 1e-10 and .least_gain >= 0 and .score_error < 1e-6 and .covariance_error < 1e-8
         and .samples == 800 and .covariance_worst < 4.5' row.json
  for name in stein sure tweedie covariance; do
    jq -e "(.${name}_lack | fabs) < 4*.${name}_lack_error" row.json
  done
}

@test "check: a program's figures are those of its model, but for differences of first order" {
  tensor head -n 20 noisy.nst -o few.nst
  score check --model mixture.safetensors few.nst >model.json
  score check --denoiser 'denoise --model mixture.safetensors' few.nst >program.json
  jq -e '.asymmetry < 1e-3 and (has("score_error") | not)' program.json
  for key in gain least_gain homogeneity stein_lack sure_lack tweedie_lack covariance_lack; do
    close_to "$(value $key program.json)" "$(value $key model.json)" 1e-4
  done
}

@test "check: numpy's identities of each sample" {
  needs numpy
  tensor head -n 5 noisy.nst -o few.nst
  score check --each --model gaussian.safetensors few.nst >each.json
  denoise --model gaussian.safetensors few.nst -o x0.npy
  tensor convert few.nst -o y.npy
  tensor head -n 5 leaves.npy -o x.npy
  py - <<'END_OF_PYTHON'
import json, numpy as np
y, D, x = (np.load(f + ".npy").reshape(5, 12).astype(float) for f in ("y", "x0", "x"))
rows = [json.loads(line) for line in open("each.json")]
for i, row in enumerate(rows):
    assert row["index"] == i
    assert abs(row["stein_lack"] - ((y[i] - D[i]) @ y[i]/.48 - 1)) < 1e-8
    assert abs(row["sure_lack"] + row["gain"] - (y[i] - D[i]) @ D[i]/.48) < 1e-8
    assert abs(row["tweedie_lack"] - (x[i] - D[i]) @ D[i]/.48) < 1e-8
END_OF_PYTHON
}

@test "check: --check and the word are one; threads change nothing" {
  score check --model mixture.safetensors --threads 1 noisy.nst >a.json
  score --check --model mixture.safetensors --threads 2 noisy.nst >b.json
  cmp a.json b.json
  fails_with 64 score --check --rows --model mixture.safetensors noisy.nst | grep -q 'no option of score check'
  fails_with 64 score --factor 3 --model mixture.safetensors noisy.nst | grep -q -e --check
}

@test "check: bias-free ReLU units are homogeneous, and what their biases spoil is seen" {
  needs numpy
  cat >relu.py <<'END_OF_PYTHON'
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from noiseutils_stream import read_records, write_record
bias = float(sys.argv[2])
w = np.random.default_rng(1).normal(size=(2, 12, 12))/4
for tensors, metadata in read_records(sys.stdin.buffer):
    y = tensors["data"]
    rows = y.reshape(-1, 12)
    tensors["data"] = (np.maximum(rows @ w[0] + bias, 0) @ w[1]).reshape(y.shape)
    write_record(sys.stdout.buffer, tensors, metadata)
END_OF_PYTHON
  local python examples=$BATS_TEST_DIRNAME/../scripts/examples
  python=$(py -c 'import sys; print(sys.executable)')
  tensor head -n 3 noisy.nst -o few.nst
  score check --denoiser "'$python' relu.py '$examples' 0" few.nst >free.json
  score check --denoiser "'$python' relu.py '$examples' 0.3" few.nst >biased.json
  jq -e '.homogeneity < 1e-12 and .asymmetry > 0.5' free.json
  jq -e '.homogeneity > 0.05' biased.json
}

@test "check: bad input" {
  fails_with 64 score check noisy.nst | grep -q -e --model
  fails_with 64 score check --model mixture.safetensors --denoiser cat noisy.nst
  fails_with 65 score check --model mixture.safetensors leaves.npy # no noise known
  tensor slice --from 0 --to 3 noisy.nst -o with.nst
  noise gaussian --sigma 0.2 leaves.npy | tensor head -n 3 -o without.nst
  fails_with 65 score check --model mixture.safetensors with.nst without.nst | grep -q clean
  fails_with 64 score check --model mixture.safetensors --sigma 0 noisy.nst
}

@test "kl: of two Gaussian models it is metric kl, of their noisy laws too" {
  noise dead-leaves -n 300 --seed 9 --height 4 --width 3 | tensor convert --dtype F64 -o others.npy
  train-linear gaussian --shrink none others.npy -o other.safetensors
  score kl --model gaussian.safetensors --other other.safetensors >mine.json
  metric kl --model gaussian.safetensors --reference-model other.safetensors --format json >theirs.json
  close_to "$(value kl mine.json)" "$(value kl theirs.json)" 1e-8
  jq -e '.exact == "yes" and .quadrature_error < 1e-9' mine.json
  score kl --sigma 0.5 --model gaussian.safetensors --other other.safetensors >mine.json
  metric kl --ridge 0.25 --model gaussian.safetensors --reference-model other.safetensors --format json >theirs.json
  close_to "$(value kl mine.json)" "$(value kl theirs.json)" 1e-8
  score kl --model gaussian.safetensors --other other.safetensors --samples 400 >drawn.json
  score kl --sigma 0.5 --model gaussian.safetensors --other other.safetensors --samples 400 >drawn-noisy.json
  jq -e --argjson kl "$(value kl mine.json)" '(.kl - $kl | fabs) < 4*.kl_error and .samples == 400' drawn-noisy.json
  jq -e '.exact == "no" and .quadrature_error < 0.01*.kl' drawn.json
}

@test "kl: a program stands for its model, and samples read for samples drawn" {
  train-linear mixture --components 2 leaves.npy -o other.safetensors
  tensor head -n 20 leaves.npy -o few.npy
  score kl --model mixture.safetensors --other other.safetensors --steps 32 few.npy >models.json
  score kl --denoiser 'denoise --model mixture.safetensors' --other-denoiser 'denoise --model other.safetensors' --steps 32 few.npy >programs.json
  close_to "$(value kl programs.json)" "$(value kl models.json)" 1e-9
  score kl --model mixture.safetensors --other other.safetensors --steps 32 --threads 1 few.npy >again.json
  cmp models.json again.json
}

@test "kl: bad input" {
  fails_with 64 score kl --model gaussian.safetensors | grep -q -e --other
  fails_with 64 score kl --model gaussian.safetensors --other gaussian.safetensors --steps 64 | grep -q samples
  fails_with 64 score kl --model gaussian.safetensors --other gaussian.safetensors --samples 10 --steps 33 | grep -q even
  fails_with 64 score kl --model mixture.safetensors --other gaussian.safetensors --samples 10 leaves.npy
  tensor head -n 4 leaves.npy -o flat.npy # of rank 3
  train-linear gaussian --shrink none flat.npy -o flat.safetensors
  fails_with 65 score kl --model gaussian.safetensors --other flat.safetensors | grep -q singular
  score kl --sigma 0.1 --model gaussian.safetensors --other flat.safetensors >row.json
  # Noisy samples are none of the law, and where no density is common to both there is no divergence.
  fails_with 65 score kl --model gaussian.safetensors --other mixture.safetensors noisy.nst | grep -q 'sample 0 is noisy'
  fails_with 65 score kl --model gaussian.safetensors --other-denoiser cat --samples 20 | grep -q -e '--sigma-max.*infinite'
  train-linear empirical leaves.npy -o points.safetensors
  fails_with 65 score kl --model points.safetensors --other gaussian.safetensors --sigma-min .0001 leaves.npy | grep -q -e '--sigma-min.*infinite'
}

@test "kl: of equal and of near Gaussian models; two of them read nothing" {
  score kl --model gaussian.safetensors --other gaussian.safetensors <noisy.nst >same.json
  jq -e '.kl == 0' same.json
  needs numpy
  tensor convert leaves.npy -o x.npy
  py - <<'END_OF_PYTHON'
import numpy as np
np.save("near.npy", np.load("x.npy").astype(float) + 1e-4)
END_OF_PYTHON
  train-linear gaussian --shrink none near.npy -o near.safetensors
  score kl --model gaussian.safetensors --other near.safetensors >mine.json
  metric kl --model gaussian.safetensors --reference-model near.safetensors --format json >theirs.json
  py - <<'END_OF_PYTHON'
import json
mine, theirs = (json.load(open(f"{name}.json"))["kl"] for name in ("mine", "theirs"))
assert mine > 0 and abs(mine/theirs - 1) < 1e-2, (mine, theirs)
END_OF_PYTHON
}

@test "straightness: the flow of an isotropic Gaussian is straight, that of another is not" {
  sample --sampler exact-flow --model gaussian.safetensors --trajectory --steps 12 -n 3 -o curved.nst
  score straightness curved.nst >curved.json
  jq -se 'length == 3 and all(.steps == 12 and .stretch > 1.00001 and .turning > 0.01 and .explained_1 <= .explained_2)' curved.json
  needs numpy
  tensor convert curved.nst -o curved.npy
  py - <<'END_OF_PYTHON'
import json, numpy as np
rows = [json.loads(line) for line in open("curved.json")]
for x, row in zip(np.load("curved.npy").astype(float).reshape(3, 13, 12), rows):
    steps = np.diff(x, axis=0)
    length = np.linalg.norm(steps, axis=1)
    assert abs(row["stretch"] - length.sum()/np.linalg.norm(x[-1] - x[0])) < 1e-6
    cosines = (steps[1:]*steps[:-1]).sum(1)/length[1:]/length[:-1]
    assert abs(row["turning"] - np.arccos(np.clip(cosines, -1, 1)).sum()) < 1e-3
    s = np.linalg.svd(x - x.mean(0), compute_uv=False)**2
    assert np.allclose([row["explained_1"], row["explained_2"]], s.cumsum()[:2]/s.sum(), atol=1e-6)
# An isotropic law: mean 0, variance 1/4.
np.save("ball.npy", np.vstack([np.eye(12), -np.eye(12)]).reshape(24, 4, 3)*6**.5/2)
END_OF_PYTHON
  train-linear gaussian --shrink none ball.npy -o ball.safetensors
  sample --sampler exact-flow --model ball.safetensors --dtype F64 --trajectory --steps 12 -n 2 | score straightness >straight.json
  jq -se 'length == 2 and all(.stretch < 1 + 1e-12 and .turning < 1e-6 and .explained_1 > 1 - 1e-12)' straight.json
  fails_with 65 score straightness noisy.nst | grep -q trajectory
  fails_with 65 score straightness curved.npy | grep -q -e '--axes NTHW' # of a file that names no axes
  score straightness --axes NTHW curved.npy | jq -c .steps | cmp - <(jq -c .steps curved.json)
}

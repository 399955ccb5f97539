#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 | tensor convert --dtype F64 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  tensor head -n 4 leaves.nst | noise gaussian --sigma 0.2 -o noisy.nst
  noise dead-leaves -n 2 --seed 4 --height 40 --width 40 -o images.nst
  train-linear gaussian --patch 4 images.nst -o patches.safetensors
  noise gaussian --sigma 0.2 images.nst -o noisy-images.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "score, denoiser and log-density: those of the Gaussian with the mean and covariance of the training samples" {
  needs numpy
  score --model model.safetensors noisy.nst -o score.npy
  score denoiser --model model.safetensors noisy.nst -o denoiser.npy
  score log-density --model model.safetensors noisy.nst >density.json
  tensor convert noisy.nst -o noisy.npy
  tensor convert leaves.nst -o leaves.npy
  py - <<'END_OF_PYTHON'
import json, numpy as np
x, y, score, x0 = (np.load(f + ".npy").reshape(-1, 30) for f in ("leaves", "noisy", "score", "denoiser"))
mu, C = x.mean(0), np.cov(x.T, bias=True) + .04*np.eye(30)
expected = -np.linalg.solve(C, (y - mu).T).T
assert np.abs(score - expected).max() < 1e-6*np.abs(expected).max()
assert np.abs(x0 - y - .04*expected).max() < 1e-6
log_p = .5*((y - mu)*expected).sum(1) - .5*np.linalg.slogdet(2*np.pi*C)[1]
rows = [json.loads(line) for line in open("density.json")]
assert [r["index"] for r in rows] == [0, 1, 2, 3]
assert np.allclose([r["log_density"] for r in rows], log_p, rtol=1e-6)
assert np.allclose([30*r["log_density_per_dim"] for r in rows], log_p, rtol=1e-6)
END_OF_PYTHON
}

@test "score denoiser equals denoise" {
  score denoiser --model model.safetensors noisy.nst -o a.npy
  denoise --model model.safetensors noisy.nst -o b.npy
  metric rmse --reference b.npy a.npy --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-12
}

@test "score denoiser under a model of patches equals denoise, and the score follows from it" {
  needs numpy
  score denoiser --model patches.safetensors noisy-images.nst -o a.npy
  denoise --model patches.safetensors noisy-images.nst -o b.npy
  cmp a.npy b.npy
  score --model patches.safetensors noisy-images.nst -o s.npy
  tensor convert noisy-images.nst -o y.npy
  py -c '
import numpy as np
x0, s, y = (np.load(f + ".npy").astype(float) for f in "bsy")
assert np.abs((x0 - y)/.04 - s).max() < 1e-4*np.abs(s).max()'
  fails_with 65 score log-density --model patches.safetensors noisy-images.nst
}

@test "score log-density: a patch has one under a model of patches" {
  noise dead-leaves --height 4 --width 4 | score log-density --sigma 0.1 --model patches.safetensors >one.json
  [ "$(jq -r .index one.json)" = 0 ]
}

@test "score convert: every field from every other, there and back" {
  for from in score denoiser eps v velocity; do
    score $from --model model.safetensors --keep-noisy noisy.nst -o $from.nst
    tensor convert $from.nst -o from.npy
    for to in score denoiser eps v velocity; do
      score $to --model model.safetensors noisy.nst -o direct.npy
      score convert --to $to $from.nst -o to.nst
      metric rmse --reference direct.npy to.nst --format json >direct.json
      close_to "$(jq -s 'map(.rmse) | max' direct.json)" 0 1e-11
      score convert --to $from to.nst | metric rmse --reference from.npy --format json >back.json
      close_to "$(jq -s 'map(.rmse) | max' back.json)" 0 1e-11
    done
  done
}

@test "score convert: what denoise wrote becomes the score" {
  denoise --model model.safetensors --keep-noisy noisy.nst | score convert --from denoiser --to score -o implied.npy
  score --model model.safetensors noisy.nst -o own.npy
  metric rmse --reference own.npy implied.npy --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-10
}

@test "score convert: an estimate of denoise is known for one" {
  denoise --model model.safetensors --keep-noisy noisy.nst -o estimate.nst
  score convert --from denoiser --to eps estimate.nst -o told.npy
  score convert --to eps estimate.nst -o known.npy
  cmp told.npy known.npy
}

@test "score --denoiser: the fields of a program that computes the posterior mean are those of its model" {
  for field in score denoiser eps v velocity; do
    for alpha in 1 0.5; do
      score $field --alpha $alpha --sigma 0.2 --denoiser 'denoise --model model.safetensors' noisy.nst -o program.nst
      score $field --alpha $alpha --sigma 0.2 --model model.safetensors noisy.nst -o model.npy
      metric rmse --reference model.npy program.nst --format json >rmse.json
      close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-11
    done
  done
  score --denoiser 'denoise --model model.safetensors' noisy.nst -o default.nst
  score score --denoiser 'denoise --model model.safetensors' noisy.nst | cmp - <(tensor cat default.nst)
  fails_with 64 score --denoiser cat --model model.safetensors noisy.nst | grep -q exclude
  fails_with 64 score --timeout 3 --model model.safetensors noisy.nst | grep -q -e --denoiser
  fails_with 64 score --sigma 0 --denoiser cat noisy.nst | grep -q 'above 0'
  fails_with 69 score --denoiser false noisy.nst
}

@test "score under a stationary model: the gradient of its log-density, by central differences" {
  needs numpy
  train-linear stationary leaves.nst -o stationary.safetensors
  tensor head noisy.nst | tensor convert --dtype F64 -o y.npy
  py -c '
import numpy as np
y = np.load("y.npy").reshape(30)
h = 1e-4*np.eye(30)
np.save("around.npy", np.concatenate([y + h, y - h]).reshape(60, 6, 5))'
  score --sigma 0.2 --model stationary.safetensors y.npy -o score.npy
  score log-density --sigma 0.2 --model stationary.safetensors around.npy --format json >density.json
  py -c '
import json, numpy as np
p = np.array([json.loads(line)["log_density"] for line in open("density.json")])
s = np.load("score.npy").ravel()
assert np.abs((p[:30] - p[30:])/2e-4 - s).max() < 1e-6*np.abs(s).max()'
}

@test "score: a batch and its split, threads, pipe and file give the same bytes" {
  score eps --model model.safetensors --threads 1 noisy.nst -o one.npy
  score eps --model model.safetensors --threads 3 noisy.nst -o three.npy
  cmp one.npy three.npy
  tensor stack noisy.nst | score eps --model model.safetensors -o batch.npy
  cmp one.npy batch.npy
  tensor stack noisy.nst | score log-density --model model.safetensors >batch.json
  score log-density --model model.safetensors <noisy.nst >single.json
  cmp batch.json single.json
}

@test "score: bad input" {
  fails_with 64 score noisy.nst
  fails_with 64 score --model model.safetensors --sigma -1 noisy.nst
  fails_with 64 score --model model.safetensors --alpha 0 noisy.nst
  fails_with 64 score eps --model model.safetensors --sigma 0 noisy.nst
  fails_with 64 score convert noisy.nst
  fails_with 64 score convert --to eps --model model.safetensors noisy.nst
  fails_with 65 score convert --from score --to eps noisy.nst
  fails_with 65 score convert --to eps noisy.nst
  fails_with 65 score --model model.safetensors leaves.nst
  noise poisson --peak 100 leaves.nst -o counts.nst
  fails_with 65 score --model model.safetensors counts.nst
  fails_with 65 score --model model.safetensors noisy-images.nst
  fails_with 65 score --model noisy.nst noisy.nst
  fails_with 66 score --model missing.safetensors noisy.nst
  fails_with 66 score --model model.safetensors missing.nst
  score --model model.safetensors --sigma 0.1 counts.nst >/dev/null
}

@test "the level that was given is written, alpha too: conversions and a second look need not be told" {
  tensor head -n 3 leaves.nst -o clean.nst
  noise gaussian --sigma 0.2 clean.nst -o three.nst
  score v --sigma .3 --alpha .7 --keep-noisy --model model.safetensors three.nst | score convert --to denoiser -o converted.nst
  score denoiser --sigma .3 --alpha .7 --model model.safetensors three.nst -o direct.nst
  metric rmse --reference direct.nst converted.nst --format json >rmse.json
  jq -se 'all(.rmse < 1e-6)' rmse.json
  # alpha alone goes with the metadata's sigma.
  score v --alpha .7 --keep-noisy --model model.safetensors three.nst | score convert --to denoiser -o converted.nst
  score denoiser --sigma .2 --alpha .7 --model model.safetensors three.nst -o direct.nst
  metric rmse --reference direct.nst converted.nst --format json >rmse.json
  jq -se 'all(.rmse < 1e-6)' rmse.json
  tensor head -n 1 clean.nst | tensor convert -o one.npy
  { printf 'P5 5 6 255\naaaaaaaaaa' && head -c 20 /dev/zero; } >mask.pgm
  for verb in "spectrum --top 1" "covariance --top 1" "jvp --vector one.npy" "directions --top 1 --mask mask.pgm"; do
    # shellcheck disable=SC2086
    score $verb --sigma .3 --alpha .7 --model model.safetensors three.nst | tensor info --format json >info.json
    jq -se 'all(.noise_removed | fromjson | .sigma == 0.3 and .alpha == 0.7)' info.json
    # shellcheck disable=SC2086
    score $verb --sigma .3 --model model.safetensors clean.nst | tensor info --format json >info.json
    jq -se 'all(.noise_removed | fromjson | .sigma == 0.3 and (has("alpha") | not))' info.json
  done
}

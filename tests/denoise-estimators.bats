#!/usr/bin/env bats
load helpers

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# noisy LAW...: noisy.nst, an image of 72 x 80 with its clean one, and own.safetensors, the Gaussian of its patches
noisy() {
  noise dead-leaves --height 72 --width 80 --rmin 4 | noise "$@" --seed 3 -k >noisy.nst
  train-linear gaussian --patch 6 noisy.nst -o own.safetensors
}

# psnr_of OPTIONS...: of what denoise makes of noisy.nst
psnr_of() { denoise "$@" noisy.nst | metric psnr --format json | jq .psnr; }

@test "denoise --estimator: of Poisson and gamma noise lmmse and vst beat the formulas that want the whole law" {
  for law in 'poisson --zeta 0.05' 'gamma --looks 10'; do
    # shellcheck disable=SC2086
    noisy $law
    for estimator in tweedie corrected exact lmmse vst; do
      psnr_of --model own.safetensors --estimator $estimator >$estimator
    done
    psnr_of --model own.safetensors >default
    cmp default lmmse
    paste tweedie corrected exact lmmse vst | awk '{ print; worst = $4 < $5 ? $4 : $5
      for (i = 1; i <= 3; ++i) if (!($i > 5 && worst > $i + 0.3)) exit 1 }'
  done
}

@test "denoise --estimator: under Gaussian noise all give the same bytes" {
  noisy gaussian --sigma 0.1
  denoise --model own.safetensors noisy.nst -o default.npy
  for estimator in tweedie corrected exact lmmse vst; do
    denoise --model own.safetensors --estimator $estimator noisy.nst -o e.npy
    cmp default.npy e.npy
  done
}

@test "denoise --estimator: threads and batches do not matter, samples with noise of their own" {
  { noise dead-leaves --height 40 --width 30 | noise poisson --zeta 0.05
    noise dead-leaves --seed 5 --height 40 --width 30 | noise gamma --looks 9
    noise dead-leaves --seed 6 --height 40 --width 30 | noise gaussian --sigma 0.1; } >three.nst
  train-linear gaussian --patch 4 three.nst -o own.safetensors
  for estimator in corrected exact lmmse vst; do
    denoise --model own.safetensors --estimator $estimator --threads 1 three.nst -o split.npy
    tensor stack three.nst | denoise --model own.safetensors --estimator $estimator --threads 3 -o batch.npy
    cmp split.npy batch.npy
  done
}

@test "denoise --estimator lmmse: what numpy makes of the model file" {
  needs numpy
  noise dead-leaves -n 30 --height 3 --width 4 | noise gamma --looks 5 >digits.nst
  train-linear gaussian --shrink none digits.nst -o law.safetensors
  tensor convert digits.nst -o y.npy
  denoise --model law.safetensors digits.nst -o x.npy
  py - <<'END'
import json
import numpy as np
raw = open("law.safetensors", "rb").read()
n = int.from_bytes(raw[:8], "little")
t = {k: np.frombuffer(raw[8+n+v["data_offsets"][0]:8+n+v["data_offsets"][1]], {"F32": "f4", "F64": "f8"}[v["dtype"]])
     .reshape(v["shape"]).astype("f8") for k, v in json.loads(raw[8:8+n]).items() if k != "__metadata__"}
mean, u, l = (t[k] for k in ("mean", "eigenvectors", "eigenvalues"))
rest = t.get("residual_variance", np.zeros(1))[0]
S = u.T @ np.diag(l - rest) @ u + rest*np.eye(12)
mean = mean.ravel()
y, x = np.load("y.npy").reshape(30, 12).astype("f8"), np.load("x.npy").reshape(30, 12)
for one, ours in zip(y, x):
    # E Var(y | x) = E x^2 / 5 by the law; x below 0 does not count: three points of Gauss-Hermite
    r = np.sqrt(3*np.diag(S))
    N = sum(w*np.maximum(0, mean + a*r)**2/5 for w, a in ((2/3, 0), (1/6, -1), (1/6, 1)))
    N *= (one**2).mean()/6/N.mean()
    assert abs(mean + S @ np.linalg.solve(S + np.diag(N), one - mean) - ours).max() < 1e-5
END
}

@test "denoise --estimator: what does not fit is refused in one line" {
  noisy poisson-gaussian --gain 0.05 --read 0.02
  for estimator in tweedie corrected exact; do
    fails_with 65 denoise --model own.safetensors --estimator $estimator noisy.nst
    grep -q lmmse fails.err
  done
  denoise --model own.safetensors --estimator vst noisy.nst -o vst.nst
  fails_with 64 denoise --self --estimator tweedie noisy.nst
  fails_with 64 denoise --denoiser cat --estimator vst noisy.nst
  fails_with 64 denoise --model own.safetensors --estimator best noisy.nst
}

@test "denoise: a map of sigmas is used, by --self and by models, which beats its mean by far" {
  needs numpy
  py -c "
import numpy as np
np.save('map.npy', np.linspace(.01, .25, 80)[None, :]*np.ones((72, 1)))"
  noisy gaussian --sigma-map map.npy
  mean=$(py -c "import numpy as np; print(float(np.sqrt((np.load('map.npy')**2).mean())))")
  for how in '--self --preset fast' '--model own.safetensors'; do
    # shellcheck disable=SC2086
    psnr_of $how >map
    # shellcheck disable=SC2086
    psnr_of $how --sigma "$mean" >mean
    # One Gaussian smooths little more where there is more noise: it gains less.
    paste map mean | awk -v least="$([ "${how#--self}" = "$how" ] && echo 0.2 || echo 1)" '{ print; exit !($1 > $2 + least) }'
  done
}

@test "denoise: correlated noise is taken as such" {
  needs numpy
  py -c "
import numpy as np
np.save('kernel.npy', np.outer([1, 2, 1], [1, 2, 1]).astype(float))"
  noisy correlated --kernel kernel.npy --sigma 0.1
  noise dead-leaves -n 3 --seed 9 --height 72 --width 80 --rmin 4 -o others.nst
  train-linear gaussian --patch 6 others.nst -o patches.safetensors
  train-linear stationary others.nst -o spectrum.safetensors
  for how in '--self --preset fast' '--model patches.safetensors' '--model spectrum.safetensors'; do
    # shellcheck disable=SC2086
    psnr_of $how >known
    # shellcheck disable=SC2086
    psnr_of $how --sigma 0.1 >white
    paste known white | awk '{ print; exit !($1 > $2 + 0.3) }'
  done
}

@test "denoise --sigma auto: the level that noise estimate finds, and records" {
  noisy gaussian --sigma 0.1
  tensor convert noisy.nst -o bare.npy
  denoise --self --preset fast --sigma auto bare.npy -o auto.nst
  sigma=$(tensor info --format json auto.nst | jq -r '.noise_removed' | jq .sigma)
  close_to "$sigma" 0.1 0.02
  tensor info --format json auto.nst | jq -r '.noise_removed' | jq -e .estimated
  denoise --self --preset fast --sigma "$sigma" bare.npy -o asked.npy
  tensor convert auto.nst -o auto.npy
  cmp auto.npy asked.npy
}

@test "denoise --sigma A:B: the evidence of a model finds the level" {
  # Gaussian images, of which the Gaussian of patches is the law
  noise gaussian-field -n 4 --seed 9 --height 72 --width 80 -o others.nst
  train-linear gaussian --patch 6 others.nst -o patches.safetensors
  sigma=$(tensor info --format json others.nst | head -n 1 | jq '(.data_max - .data_min) / 30')
  noise gaussian-field --height 72 --width 80 | noise gaussian --sigma "$sigma" --seed 3 -k >noisy.nst
  psnr_of --model patches.safetensors >known
  psnr_of --model patches.safetensors --sigma "$(jq -n "$sigma / 4"):$(jq -n "$sigma * 8")" >range
  psnr_of --model patches.safetensors --sigma "$(jq -n "$sigma * 1.5")" >other
  paste known range other | awk '{ print; exit !($2 > $1 - 0.05 && $2 > $3) }'
  fails_with 64 denoise --self --sigma 0.02:0.5 noisy.nst
  grep -q -- --model fails.err
  fails_with 64 denoise --model patches.safetensors --sigma 0:0.5 noisy.nst
  fails_with 64 denoise --model patches.safetensors --sigma guess noisy.nst
}

#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 4 --width 3 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear mixture --components 3 leaves.nst -o mixture.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# facts FILE KEY...: the keys of the metadata `sampler` of each sample.
facts() {
  local file=$1 keys
  shift
  keys=$(printf '.%s,' "$@")
  tensor info "$file" | jq -r ".sampler | fromjson | ${keys%,}"
}

# options SAMPLER: sets $options to those of short runs.
options() {
  options=(--sampler "$1" --steps "${STEPS:-4}" --sigma-max 10 --sigma-min 0.05)
  case $1 in
    ula | mala | myula | walk-jump) options+=(--burn-in 3 --chain-steps 8 --chains 2) ;;
    ensemble) options+=(--burn-in 1 --chain-steps 5 --chains 2 --particles 26) ;;
    dmcmc) options+=(--burn-in 3 --chain-steps 8 --levels 20) ;;
    log-concave-chain) options+=(--walk-steps 3) ;;
    lml) options+=(--kappa 0.3 --damping 5) ;;
    adaptive-skip) options+=(--threshold 0.1) ;;
  esac
}

SAMPLERS="ula mala myula ensemble dmcmc walk-jump log-concave-chain lml adaptive-skip blind"

@test "sample chains: threads, and an array job joined, give the bytes of one run" {
  for model in model mixture; do
    for sampler in $SAMPLERS; do
      options "$sampler"
      draw() { sample --model $model.safetensors "${options[@]}" --dtype F64 "$@"; }
      draw -n 500 --threads 1 -o one.nst
      draw -n 500 --threads 3 -o three.nst
      cmp one.nst three.nst
      draw -n 7 -o part-0.nst
      draw -n 490 --first-index 7 -o part-1.nst
      draw -n 3 --first-index 497 -o part-2.nst
      tensor cat --restream part-0.nst part-1.nst part-2.nst -o joined.nst
      cmp one.nst joined.nst
    done
  done
}

@test "sample chains: float and double agree but for rounding, where nothing is accepted or skipped" {
  for sampler in ula myula walk-jump log-concave-chain lml blind; do
    options "$sampler"
    sample --model model.safetensors "${options[@]}" -n 20 --dtype F64 -o double.nst
    sample --model model.safetensors "${options[@]}" -n 20 -o single.nst
    metric rmse --reference double.nst single.nst --format json >errors.json
    jq -s -e 'length == 20 and all(.rmse <= 1e-4)' errors.json
  done
}

@test "sample chains: acceptance, rhat and ess are told of every sample; --trajectory has the states of the levels" {
  for sampler in ula mala myula walk-jump; do
    options "$sampler"
    sample --model model.safetensors "${options[@]}" -n 3 -o told.nst
    facts told.nst rhat ess chains nfe >values
    [ "$(wc -l <values)" -eq 12 ]
    ! grep null values || return 1
    sample --model model.safetensors "${options[@]}" -n 3 --trajectory -o states.nst
    [ "$(tensor info states.nst | head -n 1 | jq -r .data_shape)" = "[5,4,3]" ]
  done
  for sampler in mala dmcmc ensemble; do
    sample --model mixture.safetensors --sampler $sampler -n 3 -o told.nst
    facts told.nst acceptance | jq -e 'select(. > 0.05 and . <= 1)' >values
    [ "$(wc -l <values)" -eq 3 ]
    facts told.nst rhat | jq -e 'select(. > 0.9)' >values
    [ "$(wc -l <values)" -eq 3 ]
  done
}

@test "sample lml, adaptive-skip, blind: equal transcriptions into numpy to 1e-6" {
  needs numpy
  noise gaussian --sigma 5 leaves.nst | tensor head -n 6 | tensor convert --dtype F64 -o starts.safetensors
  for sampler in lml adaptive-skip blind; do
    STEPS=30 options "$sampler"
    sample --model model.safetensors "${options[@]}" --init starts.safetensors --dtype F64 -o "$sampler.safetensors"
  done
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
def load(path): return next(iter(read_records(open(path, "rb"))))[0]
def data(path): return load(path)["data"].astype(float).reshape(6, -1)
model = load("model.safetensors")
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
mu = mu.ravel()
assert U.shape == (12, 12)
def D(x, s): return mu + ((x - mu) @ U.T * (lam/(lam + s*s))) @ U
i = np.arange(30)
s = np.append((10**(1/7) + i/29*(0.05**(1/7) - 10**(1/7)))**7, 0)
x0 = data("starts.safetensors")

x, before = x0.copy(), None
for a, b in zip(s, s[1:]):
    d = D(x, a); e = (x - d)/a
    f = e if before is None else 0.3*before + 0.7*e
    r = e - f*(e*f).sum(1, keepdims=True)/(5 + (f*f).sum(1, keepdims=True))
    r *= np.linalg.norm(e, axis=1, keepdims=True)/np.linalg.norm(r, axis=1, keepdims=True)
    x, before = d + b*r, e
assert np.abs(x - data("lml.safetensors")).max() < 1e-6, "lml"

def adaptive(x):
    moved, e, calls, row = [], None, 0, 0
    for a, b in zip(s, s[1:]):
        steady = len(moved) >= 3 and abs((moved[-1] + moved[-3])/2 - moved[-2]) <= 0.1*moved[-2]
        if calls >= 4 and steady and row < 4: row += 1
        else: e = (x - D(x[None], a)[0])/a; calls += 1; row = 0
        new = x + (b - a)*e
        moved.append(np.abs(new - x).mean()); x = new
    return x
assert np.abs(np.array([adaptive(v) for v in x0]) - data("adaptive-skip.safetensors")).max() < 1e-6, "adaptive"

x = x0.copy()
for a, b in zip(s, s[1:]):
    c2 = ((x - mu) @ U.T)**2
    logp = np.array([-0.5*(c2/(lam + t*t) + np.log(lam + t*t)).sum(1) for t in s[:-1]])
    p = np.exp(logp - logp.max(0)); p /= p.sum(0)
    mean = sum(q[:, None]*D(x, t) for q, t in zip(p, s))
    x = (1 - b/a)*mean + b/a*x
assert np.abs(x - data("blind.safetensors")).max() < 1e-6, "blind"
END_OF_PYTHON
}

@test "sample chains: any program may be the denoiser; where nothing is drawn its samples are the model's" {
  for sampler in lml adaptive-skip ula myula walk-jump log-concave-chain; do
    options "$sampler"
    sample --denoiser 'denoise --model model.safetensors' --shape 4,3 "${options[@]}" -n 2 -o program.nst
    sample --model model.safetensors "${options[@]}" -n 2 -o own.nst
    case $sampler in lml | adaptive-skip)
      metric rmse --reference own.nst program.nst --format json >errors.json
        jq -s -e 'length == 2 and all(.rmse <= 1e-5)' errors.json
      ;;
    esac
  done
}

@test "sample chains: what cannot be is refused in one line, and nothing is written" {
  printf '#!/bin/sh\nexit 1\n' >never.sh
  chmod +x never.sh
  for sampler in mala ensemble dmcmc blind; do
    options "$sampler"
    [[ $(fails_with 64 sample --denoiser ./never.sh --shape 4,3 "${options[@]}" -o none.nst) == *"log densities"* ]]
  done
  [[ $(fails_with 64 sample --model model.safetensors --sampler walk-jump --walk-step 2 -o none.nst) == *"stay bounded"* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler log-concave-chain --inverse-mass 100 -o none.nst) == *"stay bounded"* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler myula --step-size 1 -o none.nst) == *"stay bounded"* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler ensemble --particles 24 -o none.nst) == *span* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler dmcmc --levels 1 -o none.nst) == *levels* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler ula --step-size 3 -o none.nst) == *step-size* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler ula --chains 0 -o none.nst) == *chains* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler lml --kappa 2 -o none.nst) == *kappa* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler ddim --kappa 0.5 -o none.nst) == *kappa* ]]
  [[ $(fails_with 64 sample --model model.safetensors --sampler adaptive-skip --nfe 9 -o none.nst) == *nfe* ]]
  [ ! -e none.nst ] && [ ! -e none.nst.partial ]
}

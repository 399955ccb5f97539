#!/usr/bin/env bats
# Samplers that draw noise on the way.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 200 --seed 4 --height 4 --width 4 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear mixture --components 3 --seed 1 leaves.nst -o mixture.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# The samplers of --list that draw noise on the way, but for those that ask for models or starts of their own, and chains:
# these have files of their own.
others='reflected|blackout|rddm|interpolant|cold|ula|mala|myula|walk-jump|log-concave-chain|dmcmc|ensemble|lml'
stochastic_samplers() { sample --list | jq -r 'select(.stochastic == "yes") | .name' | grep -vxE "$others"; }

# How a sampler is called that cannot be called without options.
options_of() {
  case $1 in pc-guidance) echo --class 1 --guidance 2 ;; esac
}

@test "samplers with noise: threads, and an array job joined, give the bytes of one run" {
  count=0
  for sampler in $(stochastic_samplers); do
    for model in model mixture; do
      [ "$sampler $model" != "pc-guidance model" ] || continue
      run="sample --model $model.safetensors --sampler $sampler --steps 4 $(options_of "$sampler")"
      $run -n 500 --threads 1 -o one.nst
      $run -n 500 --threads 3 -o three.nst
      cmp one.nst three.nst || { echo "$sampler $model"; return 1; }
      $run -n 7 -o part-0.nst
      $run -n 493 --first-index 7 -o part-1.nst
      tensor cat --restream part-0.nst part-1.nst -o joined.nst
      cmp one.nst joined.nst || { echo "$sampler $model"; return 1; }
    done
    count=$((count + 1))
  done
  [ "$count" -ge 14 ]
}

@test "samplers with noise: other seeds give other noise, F64 and F32 the same but for rounding" {
  for sampler in $(stochastic_samplers); do
    run="sample --model mixture.safetensors --sampler $sampler --steps 5 -n 3 $(options_of "$sampler")"
    $run --seed 1 -o one.npy
    $run --seed 2 -o two.npy
    ! cmp -s one.npy two.npy
    $run --seed 1 --dtype F64 -o double.npy
    metric rmse --reference one.npy double.npy --format json >rmse.json
    close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 2e-4
  done
}

@test "samplers with noise: the law of many samples is that of a transcription into numpy" {
  needs numpy
  sample --model model.safetensors --sampler euler-maruyama --schedule vp --steps 30 -n 6000 --dtype F64 -o vp.npy
  sample --model model.safetensors --sampler ddpm --schedule vp --variance large --steps 30 -n 6000 --dtype F64 -o ddpm.npy
  sample --model model.safetensors --sampler dpmpp-2m-sde --steps 12 --sigma-max 20 -n 6000 --dtype F64 -o dpmpp.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
U = U.T
c = mu @ U
def check(name, mean, variance):
    x = np.load(name).reshape(6000, -1) @ U
    z = (x.mean(0) - mean)/np.sqrt(variance/6000)
    w = (x.var(0)/variance - 1)/np.sqrt(2/6000)
    assert np.abs(z).max() < 4.5 and np.abs(w).max() < 5, (name, np.abs(z).max(), np.abs(w).max())
# In x itself: x_s = A x_t + o + sqrt(n) z, for each mode.
t = np.append(np.linspace(1, 1e-3, 30), 0)
B = .1*t + 9.95*t*t
al, sg = np.exp(-B/2), np.sqrt(-np.expm1(-B))
for name in ("vp.npy", "ddpm.npy"):
    m, V = 0*c, sg[0]**2 + 0*lam
    for i in range(30):
        g = al[i]*lam/(al[i]**2*lam + sg[i]**2)  # x0 = c + g (x - al c)
        p, q = (al[i]*g - 1)/sg[i]**2, al[i]*(1 - g*al[i])*c/sg[i]**2  # score = p x + q
        if i == 29: A, o, n = g, c*(1 - g*al[i]), 0
        elif name == "vp.npy":
            beta = B[i] - B[i+1]
            A, o, n = 1 + beta/2 + beta*p, beta*q, beta
        else:
            beta = 1 - (al[i]/al[i+1])**2
            A, o, n = (1 + beta*p)/np.sqrt(1 - beta), beta*q/np.sqrt(1 - beta), beta
        m, V = A*m + o, A*A*V + n
    check(name, m, V)
# The affine form of DPM-Solver++ 2M: of c, and of each draw.
i = np.arange(12)
s = np.append((20**(1/7) + i/11*(.002**(1/7) - 20**(1/7)))**7, 0)
x = np.zeros((14, len(lam))); x[0] = s[0]
D0 = h0 = None
for i in range(12):
    a, b = s[i], s[i+1]
    D = lam/(lam + a*a)*x; D[1] += a*a/(lam + a*a)
    if b == 0: x = D; break
    h = np.log(a/b); k = 2*h
    y = np.exp(-k)*x - np.expm1(-k)*D
    if i: y = y - np.expm1(-k)/2*(D - D0)*h/h0
    y[2 + i] += b*np.sqrt(-np.expm1(-2*h))
    x, D0, h0 = y, D, h
check("dpmpp.npy", x[1]*c, x[0]**2 + (x[2:]**2).sum(0))
END_OF_PYTHON
}

@test "samplers with noise: options, calls and what is known of the sample stand in the metadata" {
  sample --model model.safetensors --sampler edm-churn --steps 7 --churn 3 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "edm-churn", nfe: 13, schedule: "karras", steps: 7, seed: 0, sigma_min: 0.002, sigma_max: 80, rho: 7,
    churn: 3, churn_min: 0.05, churn_max: 50, churn_noise: 1}' sampler.json
  sample --model model.safetensors --sampler predictor-corrector --schedule ve --steps 6 --correctors 2 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "predictor-corrector", nfe: 18, schedule: "ve", steps: 6, seed: 0, sigma_min: 0.01, sigma_max: 50,
    predictor: "reverse-diffusion", corrector: "langevin", correctors: 2, snr: 0.16}' sampler.json
  sample --model model.safetensors --sampler annealed-langevin --schedule ve --steps 6 | tensor info | jq -r .sampler >sampler.json
  jq -e '.nfe == 31 and .langevin_steps == 5 and .step_size == 0.062' sampler.json
  [ "$(sample --model model.safetensors --sampler dpmpp-3m-sde --compat | tensor info | jq -r '.sampler | fromjson | .compat')" = true ]
}

@test "samplers with noise: every state along the schedule, by --trajectory" {
  for sampler in $(stochastic_samplers); do
    run="sample --model mixture.safetensors --sampler $sampler --steps 5 $(options_of "$sampler")"
    [ "$($run --trajectory | tensor info | jq -r .data_shape)" = "[6,4,4]" ]
  done
}

@test "samplers with noise: bad input" {
  model="--model model.safetensors"
  # shellcheck disable=SC2086
  {
    fails_with 64 sample $model --sampler ddim-eta --eta 1.5
    fails_with 64 sample $model --sampler euler-ancestral --eta -1
    fails_with 64 sample $model --sampler ddpm --eta 1
    fails_with 64 sample $model --sampler ddpm --variance huge
    fails_with 64 sample $model --sampler edm-churn --churn nan
    fails_with 64 sample $model --sampler predictor-corrector --snr 0
    fails_with 64 sample $model --sampler predictor-corrector --nfe 20
    fails_with 64 sample $model --sampler annealed-langevin --langevin-steps 0
    fails_with 65 sample $model --sampler predictor-corrector --steps 30 --correctors 300 --snr 1 --sigma-max 1e30 --dtype F32
  }
}

#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear stationary leaves.nst -o stationary.safetensors
  noise dead-leaves -n 2 --seed 4 --height 40 --width 40 | train-linear gaussian --patch 4 -o patches.safetensors
}

# The words that --schedule takes.
noise_schedules() { sample --schedule=? 2>&1 | sed -E 's/.*one of //; s/ \(try.*//; s/\|/ /g'; }

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "sample ddim: equals a transcription into numpy, a step at a time, to 1e-6" {
  needs numpy
  sample --model model.safetensors --sampler ddim --steps 20 --dtype F64 -n 5 -o steps.safetensors
  sample --model model.safetensors --sampler ddim --steps 20 --dtype F64 -n 5 --sigma-max 10 --sigma-min 0.1 --rho 3 -o other.safetensors
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
def load(path): return next(iter(read_records(open(path, "rb"))))[0]
model = load("model.safetensors")
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
U = U.T
assert np.allclose(U.T @ U, np.eye(U.shape[1]), atol=1e-6)
a = load("steps.safetensors")["data"].reshape(5, -1)
b = load("other.safetensors")["data"].reshape(5, -1)
def karras(N, m, M, rho):
    i = np.arange(N)
    return np.append((M**(1/rho) + i/(N-1)*(m**(1/rho) - M**(1/rho)))**rho, 0)
def D(x, s): return mu + ((x - mu) @ U * (lam/(lam + s*s))) @ U.T
def ddim(x, s):
    for i in range(len(s)-1): x = x + (s[i+1] - s[i])*(x - D(x, s[i]))/s[i]
    return x
# The start is not told, but both runs share it: undo the first run's map, take the second.
s, t = karras(20, .002, 80, 7), karras(20, .1, 10, 3)
g = np.prod([1 + (s[i+1]-s[i])*s[i]/(lam + s[i]**2) for i in range(20)], axis=0)
n = (mu + ((a - mu) @ U / g) @ U.T)/80
assert abs(n.mean()) < 4/np.sqrt(n.size) and abs(n.var() - 1) < 4*np.sqrt(2/n.size), (n.mean(), n.var())
assert np.abs(ddim(80*n, s) - a).max() < 1e-6*np.abs(a).max()
assert np.abs(ddim(10*n, t) - b).max() < 1e-6*np.abs(b).max()
END_OF_PYTHON
}

@test "sample: threads, and an array job joined, give the bytes of one run" {
  for model in model stationary; do
    for sampler in ddim exact; do
      run="sample --model $model.safetensors --sampler $sampler"
      $run -n 600 --threads 1 -o one.nst
      $run -n 600 --threads 3 -o three.nst
      cmp one.nst three.nst
      $run -n 7 -o part-0.nst
      $run -n 590 --first-index 7 -o part-1.nst
      $run -n 3 --first-index 597 -o part-2.nst
      tensor cat --restream part-0.nst part-1.nst part-2.nst -o joined.nst
      cmp one.nst joined.nst
    done
  done
}

@test "sample --resume: the rest of an interrupted run gives the bytes of a whole one" {
  sample --model model.safetensors -n 40 -o whole.nst
  head -c $(($(stat -c %s whole.nst) * 2 / 3)) whole.nst >resumed.nst.partial
  sample --model model.safetensors -n 40 --resume -o resumed.nst
  cmp whole.nst resumed.nst
}

@test "sample: seeds differ, the same seed agrees; F64 and F32 agree to rounding" {
  for seed in 1 2; do sample --model model.safetensors --seed $seed -n 3 -o seed-$seed.npy; done
  sample --model model.safetensors --seed 1 -n 3 -o again.npy
  cmp seed-1.npy again.npy
  status=0
  cmp -s seed-1.npy seed-2.npy || status=$?
  [ "$status" -eq 1 ]
  sample --model model.safetensors --seed 1 -n 3 --dtype F64 -o double.nst
  [ "$(tensor head double.nst | tensor info | jq -r .data_dtype)" = F64 ]
  metric rmse --reference seed-1.npy double.nst --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-5
}

@test "sample exact: the covariance is that of the training samples" {
  needs numpy
  sample --model model.safetensors --sampler exact -n 20000 --dtype F64 -o exact.npy
  tensor convert --dtype F64 leaves.nst -o leaves.npy
  py - <<'END_OF_PYTHON'
import numpy as np
x, t = (np.load(f + ".npy").reshape(-1, 30) for f in ("exact", "leaves"))
C = np.cov(t.T, bias=True)
w, U = np.linalg.eigh(C)
z = (x - t.mean(0)) @ U / np.sqrt(w)
assert np.abs(z.mean(0)).max() < 4.5/np.sqrt(len(z)), np.abs(z.mean(0)).max()
error = np.abs(z.T @ z/len(z) - np.eye(30)) / np.sqrt((1 + np.eye(30))/len(z))
assert error.max() < 5, error.max()
END_OF_PYTHON
}

@test "sample ddim: many steps come near the closed form of the flow" {
  needs numpy
  sample --model model.safetensors --sampler ddim --steps 4000 --dtype F64 -n 4 --sigma-max 30 -o many.npy
  sample --model model.safetensors --sampler ddim --steps 2000 --dtype F64 -n 4 --sigma-max 30 -o half.npy
  sample --model model.safetensors --sampler ddim --steps 1000 --dtype F64 -n 4 --sigma-max 30 -o quarter.npy
  py -c '
import numpy as np
a, b, c = (np.load(f + ".npy") for f in ("quarter", "half", "many"))
ratio = np.abs(a - b).max() / np.abs(b - c).max()
assert 1.8 < ratio < 2.2, ratio'
}

@test "sample: the metadata say how; a model of patches gives patches" {
  sample --model patches.safetensors --steps 9 --seed 3 --sigma-max 40 --first-index 5 | tensor info >info.json
  [ "$(jq -r '.data_shape, .axes, .id' info.json | tr '\n' ' ')" = "[4,4] HW 5 " ]
  jq .sampler -r info.json >sampler.json
  jq -e '. == {name: "heun", nfe: 17, schedule: "karras", steps: 9, seed: 3, sigma_min: 0.002, sigma_max: 40, rho: 7}' sampler.json
  sample --model patches.safetensors --sampler exact | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "exact", nfe: 0, seed: 0}' sampler.json
}

@test "sample --schedule: DDIM along the chain of DDPM, as transcribed into numpy" {
  needs numpy
  sample --model model.safetensors --sampler ddim --steps 10 --dtype F64 -n 5 --spacing trailing --schedule linear -o linear.npy
  sample --model model.safetensors --sampler ddim --steps 10 --dtype F64 -n 5 --schedule vp -o vp.npy
  sample --model model.safetensors --sampler ddim --steps 10 --dtype F64 -n 5 --schedule zero-snr -o zero.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
U = U.T
def gain(s): return np.prod([1 + (s[i+1] - s[i])*s[i]/(lam + s[i]**2) for i in range(len(s)-1)], axis=0)
def normals(name, s, from_mean=False):
    x = np.load(name).reshape(5, -1)
    return ((x - mu) @ U / gain(s)/s[0]) @ U.T + (0 if from_mean else mu/s[0])
def s_of(retained): return np.append(np.sqrt((1 - retained)/retained), 0)
retained = np.cumprod(1 - np.linspace(1e-4, .02, 1000))
n = normals("linear.npy", s_of(retained[np.round(np.arange(1000, 0, -100)).astype(int) - 1]))
t = np.linspace(1, 1e-3, 10); B = .1*t + 9.95*t*t
m = normals("vp.npy", s_of(np.exp(-B)))
r = np.sqrt(np.cumprod(1 - np.linspace(.00085**.5, .012**.5, 1000)**2))
r = (r - r[-1])*r[0]/(r[0] - r[-1])
z = normals("zero.npy", s_of(r[np.round(np.linspace(0, 999, 10)).astype(int)][::-1][1:]**2), True)
# All three started from the same normals, which these schedules are undone to.
assert np.abs(n - m).max() < 1e-5 and np.abs(n - z).max() < 1e-5, (np.abs(n - m).max(), np.abs(n - z).max())
assert abs(n.var() - 1) < 5*np.sqrt(2/n.size)
END_OF_PYTHON
}

@test "sample --schedule: every schedule gives samples, and the metadata name it" {
  for schedule in $(noise_schedules); do
    sample --model model.safetensors --sampler ddim --schedule "$schedule" --steps 6 | tensor info | jq -r .sampler >sampler.json
    [ "$(jq -r '"\(.schedule) \(.nfe)"' sampler.json)" = "$schedule 6" ]
  done
  sample --model model.safetensors --sampler ddim --schedule linear --spacing leading --beta-max 0.01 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "ddim", nfe: 18, schedule: "linear", spacing: "leading", steps: 18, seed: 0, beta_min: 0.0001,
    beta_max: 0.01, timesteps: 1000, input_scale: 1}' sampler.json
}

@test "sample --spacing karras and log: of a chain and of continuous time, with metadata that tell" {
  needs numpy
  sample --model model.safetensors --sampler ddim --steps 10 --dtype F64 -n 5 --schedule linear --spacing karras --rho 4 -o karras.npy
  sample --model model.safetensors --sampler ddim --steps 10 --dtype F64 -n 5 --schedule vp --spacing log -o log.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
def normals(name, s):
    gain = np.prod([1 + (s[i+1] - s[i])*s[i]/(lam + s[i]**2) for i in range(10)], axis=0)
    return ((np.load(name).reshape(5, -1) - mu) @ U.T / gain / s[0]) @ U + mu/s[0]
retained = np.cumprod(1 - np.linspace(1e-4, .02, 1000))
s = np.sqrt((1 - retained)/retained)
i = np.arange(10)/9
k = np.append((s[-1]**.25 + i*(s[0]**.25 - s[-1]**.25))**4, 0)
B = lambda t: .1*t + 9.95*t*t
first, last = (np.sqrt(np.expm1(B(t))) for t in (1, 1e-3))
l = np.append(first*(last/first)**i, 0)
n, m = normals("karras.npy", k), normals("log.npy", l)
assert np.abs(n - m).max() < 1e-5, np.abs(n - m).max()  # the same normals, by either way back
END_OF_PYTHON
  sample --model model.safetensors --sampler ddim --schedule linear --spacing karras --rho 4 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "ddim", nfe: 18, schedule: "linear", spacing: "karras", rho: 4, steps: 18, seed: 0, beta_min: 0.0001,
    beta_max: 0.02, timesteps: 1000, input_scale: 1}' sampler.json
  fails_with 64 sample --model model.safetensors --schedule linear --rho 4
  fails_with 64 sample --model model.safetensors --schedule linear --spacing log --rho 4
}

@test "sample --list: a row a sampler" {
  sample --list >list.json
  [ "$(jq -r 'select(.name == "ddim") | "\(.order) \(.calls) \(.stochastic)"' list.json)" = "1 1 no" ]
  [ "$(jq -r 'select(.name == "exact") | "\(.order) \(.calls)"' list.json)" = "0 0" ]
  jq -e -s '(map(.name) | unique | length) == length and all(.summary != "" and .source != "")' list.json
}

@test "sample: bad input" {
  fails_with 64 sample
  fails_with 64 sample --model model.safetensors --steps 0
  fails_with 64 sample --model model.safetensors --sigma-min 80 --sigma-max 80
  fails_with 64 sample --model model.safetensors --sigma-max nan
  fails_with 64 sample --model model.safetensors --sampler nonsense
  fails_with 64 sample --model model.safetensors --schedule vp --rho 3
  fails_with 64 sample --model model.safetensors --schedule vp --spacing trailing
  fails_with 64 sample --model model.safetensors --schedule linear --steps 1001
  fails_with 64 sample --model model.safetensors --schedule linear --beta-max 2
  fails_with 64 sample --model model.safetensors leaves.nst
  fails_with 66 sample --model missing.safetensors
  fails_with 65 sample --model leaves.nst
  fails_with 65 sample --model /dev/null
  head -c 500 model.safetensors >cut.safetensors
  fails_with 65 sample --model cut.safetensors
  rm -f never.npy
  fails_with 65 sample --model cut.safetensors -o never.npy
  [ ! -e never.npy ]
}

@test "sample --timing: seconds in the metadata, and no other byte but these" {
  sample --model model.safetensors -n 2 -o plain.nst
  sample --model model.safetensors -n 2 --timing -o timed.nst
  tensor info timed.nst | jq -e '.sampler | fromjson | .seconds > 0'
  tensor info plain.nst | jq -e '.sampler | fromjson | has("seconds") | not'
  for run in plain timed; do tensor convert $run.nst -o $run.npy; done
  cmp plain.npy timed.npy
}

@test "sample --resume: a partial file of more samples than asked for is refused, and left" {
  sample --model model.safetensors -n 30 -o long.nst
  mv long.nst short.nst.partial
  run sample --model model.safetensors -n 20 --resume -o short.nst
  [ "$status" -eq 65 ]
  [[ $output == *"short.nst.partial has more samples"* ]]
  [ ! -e short.nst ] && [ -e short.nst.partial ]
}

@test "sample --nfe: as many steps as that buys, up to all times of a chain, and whatever calls do not depend on" {
  calls() { sample --model model.safetensors --nfe "$@" | tensor info | jq -r '.sampler | fromjson | "\(.steps) \(.nfe)"'; }
  [ "$(calls 1000 --schedule linear --sampler ddim)" = "1000 1000" ]
  [ "$(calls 2000 --schedule linear --sampler ddim)" = "1000 1000" ]
  [ "$(calls 10 --sampler heun)" = "5 9" ]
  [ "$(calls 9 --sampler log-concave-chain --measurements 2 --walk-steps 3 | cut -d ' ' -f 2)" -le 9 ]
}

@test "sample exact-flow: every state of a trajectory is the closed form; a law that is no Gaussian is refused" {
  needs numpy
  sample --model model.safetensors --sampler exact-flow --steps 5 --trajectory --dtype F64 -n 3 -o flow.nst
  [ "$(tensor head -n 1 flow.nst | tensor info | jq -r '.sampler | fromjson | .nfe')" = 0 ]
  tensor convert flow.nst -o flow.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
x = np.load("flow.npy").reshape(3, 6, -1)
s = np.append((80**(1/7) + np.arange(5)/4*(.002**(1/7) - 80**(1/7)))**7, 0)
for i in range(1, 6):
    expected = mu + ((x[:, 0] - mu) @ U.T * np.sqrt((lam + s[i]**2)/(lam + s[0]**2))) @ U
    assert np.abs(x[:, i] - expected).max() < 1e-5*s[0], (i, np.abs(x[:, i] - expected).max())
END_OF_PYTHON
  train-linear empirical leaves.nst -o points.safetensors
  run sample --model points.safetensors --sampler exact-flow -o none.nst
  [ "$status" -eq 64 ]
  [ ! -e none.nst ]
}

#!/usr/bin/env bats
# Samplers between laws, and from other corruptions than white noise.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 200 --seed 4 --height 6 --width 5 -o leaves.nst
  noise dead-leaves -n 200 --seed 9 --height 6 --width 5 | tensor convert --scale 3 -o other.nst
  train-linear gaussian leaves.nst -o model.safetensors
  train-linear gaussian other.nst -o other.safetensors
  train-linear stationary leaves.nst -o stationary.safetensors
  train-linear empirical leaves.nst -o points.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# same_bytes SAMPLER OPTIONS...: of one thread and of three, whole and in two parts.
same_bytes() {
  sample "$@" -n 9 --threads 1 -o one.nst
  sample "$@" -n 9 --threads 3 -o three.nst
  cmp one.nst three.nst
  sample "$@" -n 4 -o part-0.nst
  sample "$@" -n 5 --first-index 4 -o part-1.nst
  tensor cat --restream part-0.nst part-1.nst -o joined.nst
  cmp one.nst joined.nst
}

@test "sample iadb: the bytes of ddim but for rounding" {
  sample --model points.safetensors --sampler ddim -n 3 --dtype F64 -o ddim.nst
  sample --model points.safetensors --sampler iadb -n 3 --dtype F64 -o iadb.nst
  metric rmse --reference ddim.nst iadb.nst --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-9
}

@test "sample rddm: --input-noise denoises as the posterior mean does, on average, and leaves the posterior's variance" {
  needs numpy
  tensor head -n 1 leaves.nst | tensor convert --dtype F64 -o clean.nst
  noise gaussian --sigma 0.2 --seed 3 clean.nst -o noisy.nst
  denoise --model model.safetensors noisy.nst -o mean.npy
  sample --model model.safetensors --sampler rddm --init noisy.nst --input-noise 0.2 --eta 1 --steps 200 -n 400 --dtype F64 -o draws.npy
  sample --model model.safetensors --sampler rddm --init noisy.nst --steps 200 -n 400 --dtype F64 -o blind.npy
  py - <<'END_OF_PYTHON'
import numpy as np
mean, draws, blind = (np.load(f + ".npy") for f in ("mean", "draws", "blind"))
spread = draws.std(0)
assert np.abs(draws.mean(0) - mean).max() < 5*spread.max()/20 + .01, np.abs(draws.mean(0) - mean).max()
# Told nothing of how it came about, it forgets the input.
assert blind.std(0).mean() > 1.5*spread.mean(), (blind.std(0).mean(), spread.mean())
END_OF_PYTHON
}

@test "sample interpolant: from one law to another, as transcribed into numpy" {
  needs numpy
  sample --model other.safetensors --sampler exact -n 4 --dtype F64 --seed 2 -o start.nst
  for integrator in heun euler; do
    sample --model model.safetensors --sampler interpolant --base other.safetensors --init start.nst --steps 12 \
      --bridge-noise 0.5 --integrator $integrator --dtype F64 -o $integrator.npy
  done
  tensor convert start.nst -o start.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
def law(name):
    m = next(iter(read_records(open(name + ".safetensors", "rb"))))[0]
    U = m["eigenvectors"].astype(float).T
    rho = float(m["residual_variance"][0]) if "residual_variance" in m else 0.
    C = U*m["eigenvalues"].astype(float) @ U.T + rho*(np.eye(len(U)) - U @ U.T)
    return m["mean"].astype(float).ravel(), C
(m0, S0), (m1, S1) = law("model"), law("other")
a, I, N = .5, np.eye(30), 12
def b(t, x):
    M, V = (1-t)*m0 + t*m1, (1-t)**2*S0 + t*t*S1 + a*t*(1-t)*I
    C = -(1-t)*S0 + t*S1 + a*(1-2*t)/2*I
    return m1 - m0 + (C @ np.linalg.solve(V, (x - M).T)).T
for name in ("heun", "euler"):
    x = np.load("start.npy").reshape(4, 30)
    for i in range(N):
        t, h = 1 - i/N, 1/N
        k = b(t, x)
        y = x - h*k
        # the law is narrower than a/N, so the last step is Euler's
        x = y if name == "euler" or i == N-1 else x - h/2*(k + b(t - h, y))
    error = np.abs(x - np.load(name + ".npy").reshape(4, 30)).max()
    assert error < 1e-6*np.abs(x).max(), (name, error)
END_OF_PYTHON
}

@test "sample reflected: samples stay in [0, 1] and end beside training samples" {
  needs numpy
  sample --model points.safetensors --sampler reflected --sigma-max 2 --steps 40 -n 20 --dtype F64 -o reflected.npy
  tensor convert leaves.nst -o leaves.npy
  py - <<'END_OF_PYTHON'
import numpy as np
x, points = np.load("reflected.npy").reshape(-1, 30), np.load("leaves.npy").reshape(-1, 30)
assert x.min() >= 0 and x.max() <= 1
nearest = np.sqrt(((x[:, None] - points)**2).mean(2)).min(1)
assert nearest.max() < .01, nearest.max()
END_OF_PYTHON
}

@test "sample blackout: low-dose counts are filled up by a model of intensities" {
  needs numpy
  tensor convert --scale 20 leaves.nst -o bright.nst
  train-linear empirical bright.nst -o rates.safetensors
  py -c 'import numpy as np; np.save("low.npy", np.full((1, 6, 5), 1.))'
  sample --model rates.safetensors --sampler blackout --steps 6 -n 50 --dtype F64 -o counts.npy
  sample --model rates.safetensors --sampler blackout --steps 6 -n 50 --init low.npy --retained 0.1 --dtype F64 -o filled.npy
  py - <<'END_OF_PYTHON'
import numpy as np
counts, filled = np.load("counts.npy"), np.load("filled.npy")
assert (counts == np.floor(counts)).all() and counts.min() >= 0 and counts.max() > 3
assert (filled == np.floor(filled)).all() and filled.min() >= 1, filled.min()
END_OF_PYTHON
}

@test "sample cold: both methods, as transcribed into numpy" {
  needs numpy
  tensor head -n 3 leaves.nst | tensor convert --dtype F64 -o three.nst
  noise gaussian --sigma 1e-12 --operator box:1,1,3,2 three.nst -o boxed.nst
  tensor convert boxed.nst -o boxed.npy
  for method in tacos naive; do
    sample --model model.safetensors --sampler cold --operator box:1,1,3,2 --operator-noise 0.1 --method $method \
      --init boxed.nst --steps 4 --dtype F64 -o $method.npy
  done
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
m = next(iter(read_records(open("model.safetensors", "rb"))))[0]
U, lam, mu = m["eigenvectors"].astype(float).T, m["eigenvalues"].astype(float), m["mean"].astype(float).ravel()
rho = float(m["residual_variance"][0]) if "residual_variance" in m else 0.
S = U*lam @ U.T + rho*(np.eye(30) - U @ U.T)
keep = np.ones((6, 5)); keep[1:4, 1:3] = 0
deg = lambda x, t: x*((1-t) + t*keep.ravel())
def R(x, t):
    A = np.diag((1-t) + t*keep.ravel())
    return mu + (x - A @ mu) @ np.linalg.solve(A @ S @ A + .01*np.eye(30), A @ S)
for name in ("tacos", "naive"):
    x = np.load("boxed.npy").reshape(3, 30)
    assert (x.reshape(3, 6, 5)[:, 1:4, 1:3] < 1e-9).all()
    for i in range(4):
        t, s = 1 - i/4, .75 - i/4
        x0 = R(x, t)
        x = deg(x0, s) + (x - deg(x0, t) if name == "tacos" else 0)
    error = np.abs(x - np.load(name + ".npy").reshape(3, 30)).max()
    assert error < 1e-6, (name, error)
END_OF_PYTHON
}

@test "sample cold: a program restores, told t in the place of sigma" {
  tensor head -n 2 leaves.nst -o two.nst
  sample --denoiser cat --init two.nst --sampler cold --operator blur:2 --steps 3 -o cold.nst
  tensor info cold.nst | head -n 1 | jq -r .sampler >sampler.json
  jq -e '. == {name: "cold", nfe: 3, seed: 0, steps: 3, operator: "blur:2", operator_noise: 0.01, method: "tacos"}' sampler.json
}

@test "sample rolling: frames end at training samples, and nfe counts the lag" {
  needs numpy
  py - <<'END_OF_PYTHON'
import numpy as np
np.save("videos.npy", np.random.default_rng(1).normal(size=(12, 3, 4, 4)))
END_OF_PYTHON
  train-linear empirical --axes NTHW videos.npy -o videos.safetensors
  sample --model videos.safetensors --sampler rolling --lag 4 --steps 12 -n 8 -o rolled.nst
  tensor info rolled.nst | head -n 1 >info.json
  [ "$(jq -r '.data_shape, .axes' info.json | tr '\n' ' ')" = "[3,4,4] THW " ]
  [ "$(jq -r .sampler info.json | jq .nfe)" = 20 ]
  tensor convert rolled.nst -o rolled.npy
  py - <<'END_OF_PYTHON'
import numpy as np
x, points = np.load("rolled.npy").reshape(8, -1), np.load("videos.npy").reshape(12, -1)
nearest = np.abs(x[:, None] - points).max(2).min(1)
assert nearest.max() < .02, nearest.max()
END_OF_PYTHON
  fails_with 64 sample --model videos.safetensors --trajectory
}

@test "sample bridges: threads, and the parts of an array job, give the same bytes" {
  same_bytes --model points.safetensors --sampler iadb --steps 5
  same_bytes --model model.safetensors --sampler rddm --eta 1 --steps 5
  same_bytes --model model.safetensors --sampler interpolant --epsilon 0.2 --steps 5
  same_bytes --model model.safetensors --sampler interpolant --base other.safetensors --steps 3
  same_bytes --model points.safetensors --sampler reflected --steps 5
  same_bytes --model points.safetensors --sampler blackout --steps 5
  same_bytes --model stationary.safetensors --sampler spd --spectrum model --steps 3
  same_bytes --model points.safetensors --sampler spd --steps 3
  same_bytes --model points.safetensors --sampler prior-grad --eta 1 --steps 3
  same_bytes --model points.safetensors --sampler restoration-degradation --restore-to 0.5 --steps 3
  same_bytes --model points.safetensors --sampler cold --operator blur:2 --steps 3
  same_bytes --model model.safetensors --sampler cold --operator box:0,0,2,2 --steps 3
}

@test "sample bridges: the metadata tell no schedule where there is none" {
  sample --model model.safetensors --sampler rddm --steps 7 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "rddm", nfe: 7, steps: 7, seed: 0, eta: 0, sum_scale: 1}' sampler.json
  sample --model points.safetensors --sampler interpolant --steps 7 | tensor info | jq -r .sampler >sampler.json
  jq -e '. == {name: "interpolant", nfe: 13, steps: 7, seed: 0, bridge_noise: 1, epsilon: 0, integrator: "heun"}' sampler.json
}

@test "sample bridges: bad input" {
  fails_with 64 sample --model model.safetensors --sampler rddm --schedule vp
  fails_with 64 sample --model model.safetensors --sampler rddm --sigma-max 10
  fails_with 64 sample --model model.safetensors --sampler rddm --sum-scale 0
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler rddm
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler interpolant
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler interpolant --base model.safetensors
  fails_with 64 sample --model points.safetensors --sampler interpolant --base model.safetensors
  fails_with 64 sample --model model.safetensors --sampler interpolant --base points.safetensors
  fails_with 66 sample --model model.safetensors --sampler interpolant --base missing.safetensors
  fails_with 64 sample --model model.safetensors --sampler reflected
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler reflected
  train-linear empirical other.nst -o outside.safetensors
  fails_with 65 sample --model outside.safetensors --sampler reflected
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler blackout
  fails_with 64 sample --model points.safetensors --sampler blackout --trials 9
  fails_with 64 sample --model points.safetensors --sampler blackout --counts binomial
  fails_with 65 sample --model points.safetensors --sampler blackout --counts points
  fails_with 64 sample --model points.safetensors --sampler blackout --init leaves.nst
  fails_with 65 sample --model points.safetensors --sampler blackout --init leaves.nst --retained 0.5
  fails_with 64 sample --model model.safetensors --sampler cold
  fails_with 64 sample --model model.safetensors --sampler cold --operator nonsense:1
  fails_with 64 sample --model model.safetensors --sampler cold --operator mask:0.5
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler cold --operator blur:2
  fails_with 64 sample --model model.safetensors --sampler rolling
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler rolling
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler prior-grad
  fails_with 64 sample --model model.safetensors --sampler restoration-degradation --restore-to 1
  fails_with 64 sample --denoiser cat --shape 6,5 --sampler spd
  fails_with 64 sample --model model.safetensors --sampler spd --spectrum model
  noise dead-leaves -n 9 --height 3 --width 3 | train-linear gaussian -o small.safetensors
  rm -f never.npy
  fails_with 65 sample --model model.safetensors --sampler interpolant --base small.safetensors -o never.npy
  [ ! -e never.npy ]
}

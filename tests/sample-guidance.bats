#!/usr/bin/env bats
# sample --class, --guidance.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 200 --seed 4 --height 4 --width 4 -o leaves.nst
  train-linear gaussian leaves.nst -o model.safetensors
  train-linear mixture --components 3 --seed 1 leaves.nst -o mixture.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "sample --class: of a mixture its component alone, drawn exactly or by steps" {
  needs numpy
  sample --model mixture.safetensors --class 1 --sampler exact -n 5000 --dtype F64 -o exact.npy
  sample --model mixture.safetensors --class 1 --sampler dpmpp-2m-sde --steps 60 --sigma-max 100 -n 5000 --dtype F64 -o steps.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
m = next(iter(read_records(open("mixture.safetensors", "rb"))))[0]
first, rank = int(m["ranks"][:1].sum()), int(m["ranks"][1])
U = m["eigenvectors"][first:first + rank].astype(float)
C = U.T*m["eigenvalues"][first:first + rank] @ U + m["residual_variances"][1]*(np.eye(16) - U.T @ U)
w, V = np.linalg.eigh(C)
for name in ("exact.npy", "steps.npy"):
    z = (np.load(name).reshape(5000, 16) - m["means"][1]) @ V/np.sqrt(w)
    mean, variance = np.abs(z.mean(0)).max()*np.sqrt(5000), np.abs(z.var(0) - 1).max()*np.sqrt(2500)
    assert mean < 4.5 and variance < 5.5, (name, mean, variance)
END_OF_PYTHON
}

@test "sample --guidance: 0 is the model itself, 1 the class, to the byte; the metadata say which" {
  sample --model mixture.safetensors -n 3 -o all.npy
  sample --model mixture.safetensors -n 3 --class 2 --guidance 0 -o none.npy
  cmp all.npy none.npy
  sample --model mixture.safetensors -n 3 --class 2 -o class.npy
  sample --model mixture.safetensors -n 3 --class 2 --guidance 1 -o one.npy
  cmp class.npy one.npy
  sample --model mixture.safetensors --class 2 --guidance 3/2 --sampler ddim --steps 7 | tensor info >info.json
  jq -r .model info.json | jq -e '.kind == "mixture"'
  jq -r .sampler info.json | jq -e '.class == "2" and .guidance == 1.5 and .nfe == 7'
  sample --model mixture.safetensors --class 2 --guidance 3 --sampler pc-guidance --steps 7 --correctors 2 | tensor info | jq -r .sampler >sampler.json
  jq -e '.nfe == 19 and .correctors == 2' sampler.json # 7 of the class, 2 guided ones at each of 6 levels above 0
}

@test "sample --guidance: DDIM on a mixture, as transcribed into numpy" {
  needs numpy
  py -c 'import numpy as np; np.save("start.npy", 30*np.random.default_rng(1).standard_normal((4, 4, 4)))'
  sample --model mixture.safetensors --class 0 --guidance 2 --init start.npy --sigma-max 30 --steps 12 --sampler ddim --dtype F64 -o guided.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
m = next(iter(read_records(open("mixture.safetensors", "rb"))))[0]
ends = np.append(0, np.cumsum(m["ranks"]))
def covariance(k):
    U, lam = m["eigenvectors"][ends[k]:ends[k+1]].astype(float), m["eigenvalues"][ends[k]:ends[k+1]]
    return U.T*lam @ U + m["residual_variances"][k]*(np.eye(16) - U.T @ U)
C = [covariance(k) for k in range(3)]
def parts(x, s):
    D, logs = [], []
    for k in range(3):
        S = C[k] + s*s*np.eye(16)
        r = np.linalg.solve(S, (x - m["means"][k]).T).T
        D.append(x - s*s*r)
        logs.append(np.log(m["weights"][k]) - (r*(x - m["means"][k])).sum(1)/2 - np.linalg.slogdet(S)[1]/2)
    w = np.exp(logs - np.max(logs, 0)); w /= w.sum(0)
    return (w[:, :, None]*D).sum(0), D[0]
i = np.arange(12)
s = np.append((30**(1/7) + i/11*(.002**(1/7) - 30**(1/7)))**7, 0)
x = np.load("start.npy").reshape(4, 16)
for a, b in zip(s, s[1:]):
    free, of_class = parts(x, a)
    D = -free + 2*of_class
    x = D + b/a*(x - D)
assert np.abs(np.load("guided.npy").reshape(4, 16) - x).max() < 1e-6*np.abs(x).max()
END_OF_PYTHON
}

@test "sample --denoiser --class: the program is told the class, and asked without it too where W is not 1" {
  needs numpy
  python=$(py -c 'import sys; print(sys.executable)')
  cat >points.py <<'END_OF_PYTHON'
"""Data of class "high" is 2 everywhere, of no class 0."""
import sys
from noiseutils_stream import read_records, write_record
for tensors, metadata in read_records(sys.stdin.buffer):
    print(metadata.get("class", "none"), file=open("asked", "a"))
    level = {"high": 2.0, "none": 0.0}[metadata.get("class", "none")]
    write_record(sys.stdout.buffer, {"data": 0*tensors["data"] + level}, metadata)
END_OF_PYTHON
  program="PYTHONPATH='$BATS_TEST_DIRNAME/../scripts/examples' $python points.py"
  run="sample --shape 2,3 --steps 3 -n 2 --sampler ddim"
  rm -f asked
  $run --denoiser "$program" --class high -o high.npy
  [ "$(sort asked | uniq -c | tr -s ' ')" = " 3 high" ]
  rm -f asked
  $run --denoiser "$program" --class high --guidance 1.5 -o guided.npy
  [ "$(sort asked | uniq -c | tr -s ' \n' '  ')" = " 3 high 3 none " ]
  $run --denoiser "$program" -o none.npy
  py -c '
import numpy as np
for name, value in (("high", 2), ("guided", 3), ("none", 0)): assert (np.load(name + ".npy") == value).all(), name'
}

@test "sample --class, --guidance: bad input" {
  mixture="--model mixture.safetensors"
  # shellcheck disable=SC2086
  {
    fails_with 64 sample $mixture --guidance 2
    fails_with 64 sample $mixture --class 3
    fails_with 64 sample $mixture --class -1
    fails_with 64 sample $mixture --class cat
    fails_with 64 sample $mixture --class ''
    fails_with 64 sample $mixture --class 1 --guidance nan
    fails_with 64 sample $mixture --class 1 --guidance 2 --sampler exact
    fails_with 64 sample $mixture --sampler pc-guidance
    fails_with 64 sample $mixture --class 1 --sampler pc-guidance --nfe 20
    fails_with 64 sample $mixture --class 1 --sampler ddpm --correctors 2
  }
  fails_with 64 sample --model model.safetensors --class 0
  fails_with 64 sample --denoiser cat --shape 3 --guidance 2
}

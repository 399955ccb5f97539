#!/usr/bin/env bats
# What denoise tells of the clean sample beyond its mean: --draws, --variance, --principal.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# Gaussian vectors of 12 correlated elements: a model of them, and 30 noisy ones, F64.
vectors() {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(5)
x = r.standard_normal((300, 12)) @ r.standard_normal((12, 12)) + r.standard_normal(12)
np.save("vectors.npy", x)
np.save("y.npy", (x + 0.7*r.standard_normal(x.shape))[:30])
END
  train-linear gaussian --shrink none --axes ND vectors.npy -o whole.safetensors
}

# told OPTIONS...: denoises y.npy to told.nst.
told() { denoise --sigma 0.7 --axes ND "$@" y.npy -o told.nst; }

# with_records FILE...: a Python script from stdin that finds the records of each FILE in the list of lists `files`, as
# dictionaries of arrays, after `x, y` and the posterior covariance C of vectors().
with_records() {
  {
    cat <<'END'
import sys, os
sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["EXAMPLES"])
import numpy as np
from noiseutils_stream import read_records
files = [[tensors for tensors, metadata in read_records(open(name, "rb"))] for name in sys.argv[1:]]
if os.path.exists("vectors.npy"):
    x, y = np.load("vectors.npy"), np.load("y.npy")
    cov = np.cov(x.T, bias=True)
    C = 0.49*np.linalg.solve(cov + 0.49*np.eye(12), cov)
END
    cat
  } >with_records.py
  EXAMPLES=$BATS_TEST_DIRNAME/../scripts/examples py with_records.py "$@"
}

@test "posterior: variance and axes of a Gaussian are those of s (S + s)^-1 S in numpy, draws have that covariance" {
  vectors
  told --model whole.safetensors --variance --principal 3 --draws 800
  denoise --sigma 0.7 --axes ND --model whole.safetensors y.npy -o mean.npy
  with_records told.nst <<'END'
(t,), = files
assert np.array_equal(t["data"], np.load("mean.npy"))
assert abs(t["variance"] - np.diag(C)).max() < 1e-10
values, axes = np.linalg.eigh(C)
assert abs(t["principal.values"] - values[::-1][:3]).max() < 1e-10
assert t["principal.vectors"].shape == (30, 3, 12)
assert abs(abs(np.einsum("nkd,dk->nk", t["principal.vectors"], axes[:, ::-1][:, :3])) - 1).max() < 1e-8
m = t["principal.moments"]
assert m.shape == (30, 3, 3) and (m[:, :, 1] == 0).all()
assert abs(m[:, :, 0] - t["principal.values"]).max() < 1e-10
assert abs(m[:, :, 2] - 3*t["principal.values"]**2).max() < 1e-10
assert (t["principal.residuals"] == 0).all()
z = np.stack([t["draw.%d" % k] for k in range(1, 801)]) - t["data"]   # 800 draws of each of 30
z = z.reshape(-1, 12)
n = len(z)
assert abs(z.mean(0) / np.sqrt(np.diag(C) / n)).max() < 5
error = np.sqrt((np.outer(np.diag(C), np.diag(C)) + C**2) / n)
assert (abs(z.T @ z / n - C) / error).max() < 5
END
}

@test "posterior: single precision, spectra in colour and parts of whole dimension" {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(2)
x = r.standard_normal((40, 3, 6, 8)).cumsum(3) @ np.eye(8)
np.save("x.npy", x.astype("f4"))
END
  train-linear stationary x.npy -o s.safetensors
  tensor convert x.npy --dtype F64 -o x64.npy
  for type in x x64; do
    denoise --model s.safetensors --sigma 0.5 --variance --draws 1 --principal 2 $type.npy -o $type.nst
  done
  with_records x.nst x64.nst <<'END'
(a,), (b,) = files
for name in ("data", "variance", "draw.1", "principal.values", "principal.vectors"):
    assert a[name].dtype == np.float32 and b[name].dtype == np.float64, name
    assert abs(a[name] - b[name]).max() < 1e-4*abs(b[name]).max(), name
v = b["variance"]
assert (v == v[:1, :, :1, :1]).all()            # stationary: one variance a channel
assert 0 < v.min() and v.max() < 0.25
assert b["principal.vectors"].shape == (40, 2, 3, 6, 8)
END
}

@test "posterior: threads, array jobs, batches and single samples give the same bytes; seeds differ" {
  vectors
  all=(--model whole.safetensors --draws 2 --variance --principal 2)
  told "${all[@]}" --threads 1
  mv told.nst one.nst
  told "${all[@]}" --threads 3
  cmp one.nst told.nst
  tensor convert --axes ND y.npy | tensor split >split.nst
  all+=(--no-history)
  denoise --sigma 0.7 "${all[@]}" split.nst -o single.nst
  tensor head -n 12 split.nst | denoise --sigma 0.7 "${all[@]}" -o a.nst
  tensor slice --from 12 split.nst | denoise --sigma 0.7 "${all[@]}" --first-index 12 -o b.nst
  tensor cat --restream --no-history a.nst b.nst -o parts.nst
  tensor cat --restream --no-history single.nst -o whole.nst
  cmp whole.nst parts.nst
  told "${all[@]}" --seed 1
  with_records one.nst single.nst told.nst <<'END'
(one,), single, (other,) = files
for name in one:
    assert np.array_equal(np.stack([t[name] for t in single]), one[name]), name
    assert np.array_equal(other[name], one[name]) == (not name.startswith("draw")), name
assert abs(one["draw.1"] - one["draw.2"]).min() > 0
assert len(np.unique(np.round(one["draw.1"] - one["data"], 9))) == one["data"].size
END
}

@test "posterior: any denoiser: differences find the axes and variances of the model behind it" {
  vectors
  told --model whole.safetensors --variance --principal 3
  mv told.nst exact.nst
  tensor convert --axes ND y.npy | tensor split | tensor head -n 3 >few.nst
  denoise --sigma 0.7 --denoiser 'denoise --model whole.safetensors' --variance --probes 400 --principal 3 \
    --iterations 100 few.nst -o found.nst
  with_records exact.nst found.nst <<'END'
(e,), found = files
assert len(found) == 3
for i, f in enumerate(found):
    assert abs(f["data"] - e["data"][i]).max() < 1e-12
    assert abs(f["principal.values"] - e["principal.values"][i]).max() < 1e-5
    assert abs(f["principal.vectors"] - e["principal.vectors"][i]).max() < 1e-2
    assert (f["principal.residuals"] < 1e-3).all()
    assert abs(f["principal.moments"][:, 0] - f["principal.values"]).max() < 1e-6
    assert abs(f["principal.moments"][:, 1]).max() < 1e-6
    apart = (f["variance"] - e["variance"][i])/f["variance.error"]
    assert abs(apart).max() < 5 and (apart**2).mean() < 4, apart
END
  # Nobody promises that what is learnt from the image is a posterior mean; but numbers come.
  noise dead-leaves --height 20 --width 20 | noise gaussian --sigma 0.1 |
    denoise --self --preset fast --variance --probes 2 --epsilon 0.5 --principal 1 --iterations 1 >self.nst
  tensor info self.nst | jq -e '."variance_nonfinite" == 0 and ."principal.values_nonfinite" == 0'
}

@test "posterior: under a model of patches the variance is the average over the patches that cover a pixel" {
  needs numpy
  noise dead-leaves -n 3 --height 20 --width 26 --rmin 4 -o clean.nst
  train-linear gaussian --shrink none --patch 4 clean.nst -o patches.safetensors
  tensor head -n 1 clean.nst | noise gaussian --sigma 0.1 >noisy.nst
  denoise --model patches.safetensors --variance --principal 2 --iterations 200 noisy.nst -o told.nst
  tensor convert clean.nst -o clean.npy
  with_records told.nst <<'END'
from numpy.lib.stride_tricks import sliding_window_view as windows
(t,), = files
clean = np.load("clean.npy").astype(float)
x = np.concatenate([windows(image, (4, 4)).reshape(-1, 16) for image in clean])
cov = np.cov(x.T, bias=True)
W = np.linalg.solve(cov + 0.01*np.eye(16), cov).T
total, count, J = np.zeros((20, 26)), np.zeros((20, 26)), np.zeros((520, 520))
place = np.arange(520).reshape(20, 26)
for r in range(17):
    for c in range(23):
        total[r:r+4, c:c+4] += 0.01*np.diag(W).reshape(4, 4)
        count[r:r+4, c:c+4] += 1
        at = place[r:r+4, c:c+4].ravel()
        J[np.ix_(at, at)] += W
assert abs(t["variance"]/(total/count) - 1).max() < 1e-5, abs(t["variance"] - total/count).max()  # a model in F32
J /= count.reshape(-1, 1)
for v, value, residual in zip(t["principal.vectors"].reshape(2, 520).astype(float), t["principal.values"], t["principal.residuals"]):
    assert abs(v @ J @ v - value/0.01) < 1e-4        # Rayleigh's quotient, and what it leaves
    assert abs(np.linalg.norm(J @ v - v*(v @ J @ v)) - residual/0.01) < 1e-3
END
  fails_with 64 denoise --model patches.safetensors --draws 1 noisy.nst
  grep -q 'whole samples' fails.err
}

@test "posterior: calibrated: the mean squared error of the mean is the mean of the variances" {
  vectors
  sample --model whole.safetensors --sampler exact -n 4000 --seed 3 --dtype F64 | noise gaussian --sigma 0.7 -k |
    denoise --model whole.safetensors --variance --draws 1 >told.nst
  with_records told.nst <<'END'
t, = files
error = np.array([((r["clean"] - r["data"])**2).mean() for r in t])
variance = np.array([r["variance"].mean() for r in t])
assert abs(error.mean() - variance.mean()) < 5*error.std()/np.sqrt(len(t))
draws = np.array([((r["clean"] - r["draw.1"])**2).mean() for r in t])   # a draw is off by twice the variance
assert abs(draws.mean() - 2*variance.mean()) < 5*draws.std()/np.sqrt(len(t))
END
}

@test "posterior: the training set as the law: draws are samples of it" {
  vectors
  with_records <<'END'
from noiseutils_stream import write_record
write_record(open("own.safetensors", "wb"), {"samples": x}, {"model.kind": "empirical", "model.axes": "D",
             "model.shape": "[12]", "model.patch": "0", "model.count": "300", "model.samples": "[]"})
END
  told --model own.safetensors --draws 3 --variance --principal 2
  with_records told.nst <<'END'
(t,), = files
w = np.exp(-((y[:, None] - x)**2).sum(2)/(2*0.49))
w /= w.sum(1, keepdims=True)
mean = w @ x
for k in (1, 2, 3):
    gap = abs(t["draw.%d" % k][:, None] - x).max(2)
    assert gap.min(1).max() < 1e-12
    assert (w[np.arange(30), gap.argmin(1)] > 1e-6).all()
second = np.einsum("ni,nid->nd", w, (x[None] - mean[:, None])**2)
assert abs(t["variance"] - second).max() < 1e-9
for i in range(30):
    c = (w[i, :, None]*(x - mean[i])).T @ (x - mean[i])
    assert abs(t["principal.values"][i] - np.linalg.eigvalsh(c)[::-1][:2]).max() < 1e-9
    along = (x - mean[i]) @ t["principal.vectors"][i].T
    for p in (2, 3, 4):
        assert abs(t["principal.moments"][i][:, p - 2] - w[i] @ along**p).max() < 1e-8
END
}

@test "posterior: what cannot be told is refused in one line" {
  vectors
  noise dead-leaves --height 16 --width 16 | noise gaussian --sigma 0.1 >image.nst
  fails_with 64 denoise --self --draws 2 image.nst
  grep -q -- '--model' fails.err
  fails_with 64 denoise --denoiser cat --draws 2 image.nst
  fails_with 64 denoise --self --pool --variance image.nst
  fails_with 64 told --model whole.safetensors --principal 13
  grep -q '12 dimensions' fails.err
  for k in 0 -1 x 1.5; do
    fails_with 64 told --model whole.safetensors --draws $k
    fails_with 64 told --model whole.safetensors --principal $k
  done
  fails_with 64 told --model whole.safetensors --probes 4
  fails_with 64 told --model whole.safetensors --iterations 4
  fails_with 64 told --model whole.safetensors --epsilon 0.1
  fails_with 64 told --model whole.safetensors --seed 4
  fails_with 64 told --model whole.safetensors --variance --probes 1
  py -c "import numpy as np; np.save('counts.npy', abs(np.load('y.npy')))"
  noise poisson --zeta 0.1 --axes ND counts.npy >poisson.nst
  fails_with 65 denoise --model whole.safetensors --variance poisson.nst
  grep -q -- '--sigma' fails.err
  [ ! -e told.nst ]
}

@test "posterior: --clip clips data alone; --keep-noisy and companions stay; scaled data count in clean units" {
  needs numpy
  noise dead-leaves -n 6 --height 6 --width 6 --rmin 2 -o clean.nst
  train-linear gaussian clean.nst -o m.safetensors
  noise gaussian --sigma 0.3 -k clean.nst | denoise --model m.safetensors --clip --keep-noisy --draws 1 --variance >told.nst
  noise gaussian --sigma 0.3 -k clean.nst | denoise --model m.safetensors --draws 1 --variance >free.nst
  with_records told.nst free.nst <<'END'
told, free = files
for a, b in zip(told, free):
    assert sorted(a) == ["clean", "data", "draw.1", "noisy", "variance"], sorted(a)
    assert np.array_equal(a["draw.1"], b["draw.1"]) and np.array_equal(a["variance"], b["variance"])
    assert np.array_equal(a["data"], b["data"].clip(0, 1))
END
}

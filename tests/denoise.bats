#!/usr/bin/env bats
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 3 --height 40 --width 52 --rmin 6 -o clean.nst
}

patch_model() { train-linear gaussian --patch 8 --shrink none clean.nst -o patches.safetensors; }

# Learns from 300 vectors with 12 correlated elements; y.npy is what to denoise.
whole_model() {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(5)
x = r.standard_normal((300, 12)) @ r.standard_normal((12, 12)) + r.standard_normal(12)
np.save("vectors.npy", x)
np.save("y.npy", (x + 0.7*r.standard_normal(x.shape))[:40])
END
  train-linear gaussian --shrink none --axes ND vectors.npy -o whole.safetensors
}

@test "denoise: the posterior mean under a Gaussian equals the Wiener filter in numpy to 1e-6" {
  whole_model
  denoise --model whole.safetensors --sigma 0.7 --axes ND y.npy -o d.npy
  py - <<'END'
import numpy as np
x, y, d = (np.load(n + ".npy") for n in ("vectors", "y", "d"))
mean, cov = x.mean(0), np.cov(x.T, bias=True)
expected = mean + (y - mean) @ np.linalg.solve(cov + 0.49*np.eye(12), cov)
assert d.dtype == np.float64 and d.shape == y.shape
assert abs(d - expected).max() < 1e-6*abs(expected).max(), abs(d - expected).max()
END
}

@test "denoise: overlapping patches equal their plain transcription in numpy" {
  needs numpy
  patch_model
  noise gaussian --sigma 0.1 --seed 4 clean.nst | tensor head -n 1 >noisy.nst
  tensor convert clean.nst -o clean.npy
  tensor convert noisy.nst -o noisy.npy
  denoise --model patches.safetensors noisy.nst -o d.npy
  py - <<'END'
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows
clean, y, d = (np.load(n + ".npy").astype(float) for n in ("clean", "noisy", "d"))
y, d = y.reshape(40, 52), d.reshape(40, 52)
x = np.concatenate([windows(image, (8, 8)).reshape(-1, 64) for image in clean])
mean, cov = x.mean(0), np.cov(x.T, bias=True)
total, count = np.zeros_like(y), np.zeros_like(y)
for r in range(40 - 7):
    for c in range(52 - 7):
        patch = y[r:r+8, c:c+8].ravel()
        total[r:r+8, c:c+8] += (mean + cov @ np.linalg.solve(cov + 0.01*np.eye(64), patch - mean)).reshape(8, 8)
        count[r:r+8, c:c+8] += 1
assert abs(d - total/count).max() < 2e-5, abs(d - total/count).max()
END
}

@test "denoise: D = y + sigma^2 score (Tweedie)" {
  needs score
  whole_model
  denoise --model whole.safetensors --sigma 0.7 --axes ND y.npy -o d.npy
  score --model whole.safetensors --sigma 0.7 --axes ND y.npy -o s.npy
  py - <<'END'
import numpy as np
y, d, s = (np.load(n + ".npy") for n in ("y", "d", "s"))
assert abs(y + 0.49*s - d).max() < 1e-10
END
}

@test "denoise: little noise gives the input back, much noise the mean" {
  whole_model
  denoise --model whole.safetensors --sigma 1e-9 --axes ND y.npy -o same.npy
  denoise --model whole.safetensors --sigma 1e9 --axes ND y.npy -o mean.npy
  py - <<'END'
import numpy as np
assert abs(np.load("same.npy") - np.load("y.npy")).max() < 1e-9
assert abs(np.load("mean.npy") - np.load("vectors.npy").mean(0)).max() < 1e-9
END
}

@test "denoise: it comes nearer to the truth, and a flat image stays nearly flat" {
  patch_model
  noise gaussian --sigma 0.1 -k clean.nst >noisy.nst
  denoise --model patches.safetensors noisy.nst >denoised.nst
  metric psnr --format json noisy.nst | jq .psnr >before
  metric psnr --format json denoised.nst | jq .psnr >after
  paste before after | awk '$2 < $1 + 3 { exit 1 }'
  needs numpy
  py -c "import numpy as np; np.save('flat.npy', np.full((30, 30), 0.4, 'f4'))"
  denoise --model patches.safetensors --sigma 0.01 flat.npy -o d.npy
  py -c "import numpy as np; d = np.load('d.npy'); assert abs(d - 0.4).max() < 2e-3, abs(d - .4).max()"
}

@test "denoise: sigma comes from the metadata; --sigma goes before it" {
  patch_model
  noise gaussian --sigma 0.1 clean.nst >noisy.nst
  denoise --model patches.safetensors noisy.nst -o told.npy
  denoise --model patches.safetensors --sigma 0.1 noisy.nst -o asked.npy
  denoise --model patches.safetensors --sigma 0.2 noisy.nst -o other.npy
  cmp told.npy asked.npy
  if cmp -s told.npy other.npy; then false; fi
}

@test "denoise: noise that depends on the signal counts with its mean variance in a stationary model" {
  needs numpy
  patch_model
  train-linear stationary clean.nst -o spectrum.safetensors
  tensor head -n 1 clean.nst | noise poisson --zeta 0.02 >noisy.nst
  tensor convert noisy.nst -o noisy.npy
  sigma=$(py -c "import numpy as np; print(repr(float(np.sqrt(0.02*np.load('noisy.npy').astype(float).mean()))))")
  denoise --model spectrum.safetensors noisy.nst -o told.npy
  denoise --model spectrum.safetensors --sigma "$sigma" noisy.nst -o asked.npy
  py -c "import numpy as np; assert abs(np.load('told.npy') - np.load('asked.npy')).max() < 1e-6"
}

@test "denoise: metadata and companions" {
  needs numpy
  patch_model
  noise gaussian --sigma 0.1 --copies 2 -k --seed 3 clean.nst | denoise --model patches.safetensors --keep-noisy >d.nst
  tensor head -n 1 d.nst -o one.safetensors
  tensor head -n 1 clean.nst | denoise --model patches.safetensors --sigma 0.2 -o asked.safetensors
  py - <<'END'
import json
def header(path):
    raw = open(path, "rb").read()
    return json.loads(raw[8:8+int.from_bytes(raw[:8], "little")])
tensors = header("one.safetensors")
meta = tensors.pop("__metadata__")
assert sorted(tensors) == ["clean", "data", "noisy", "reference.1"], sorted(tensors)
assert "noise" not in meta
assert json.loads(meta["noise.removed"])["sigma"] == 0.1
model = json.loads(meta["model"])
assert model["kind"] == "gaussian" and model["patch"] == 8 and len(model["samples"]) == 3, model
assert json.loads(meta["history"])[-1]["argv"][0] == "denoise"
meta = header("asked.safetensors")["__metadata__"]
assert json.loads(meta["noise.removed"]) == {"family": "gaussian", "sigma": 0.2}
END
  tensor convert d.nst -o d.npy
  noise gaussian --sigma 0.1 --seed 3 clean.nst | denoise --model patches.safetensors -o alone.npy
  cmp d.npy alone.npy
}

@test "denoise: threads, a batch and its split, a pipe and a file, every instruction set give the same bytes" {
  patch_model
  noise gaussian --sigma 0.1 clean.nst >noisy.nst
  denoise --model patches.safetensors --threads 1 noisy.nst -o one.nst
  denoise --model patches.safetensors --threads 3 noisy.nst -o three.nst
  cmp one.nst three.nst
  denoise --model patches.safetensors <noisy.nst | cat >piped.nst
  cmp one.nst piped.nst
  tensor stack noisy.nst | denoise --model patches.safetensors -o batch.npy
  tensor convert one.nst -o split.npy
  cmp batch.npy split.npy
  for isa in baseline avx2 avx512; do
    if NOISEUTILS_ISA=$isa denoise --model patches.safetensors noisy.nst >other.nst 2>err; then
      cmp one.nst other.nst
    else
      grep -q 'not available' err
    fi
  done
}

@test "denoise: whole samples: threads, a batch and its split give the same bytes" {
  whole_model
  denoise --model whole.safetensors --sigma 0.7 --axes ND --threads 1 y.npy -o one.npy
  denoise --model whole.safetensors --sigma 0.7 --axes ND --threads 3 y.npy -o three.npy
  cmp one.npy three.npy
  tensor convert --axes ND y.npy | tensor split >split.nst
  denoise --model whole.safetensors --sigma 0.7 split.nst -o split.npy
  cmp one.npy split.npy
}

@test "denoise: colour, single and double precision, a batch" {
  needs numpy
  py -c "
import numpy as np
r = np.random.default_rng(1)
x = r.standard_normal((5, 3, 20, 24)).cumsum(2).cumsum(3)/20
np.save('rgb.npy', x); np.save('rgb32.npy', x.astype('f4'))"
  train-linear gaussian --patch 4 --shrink none rgb.npy -o rgb.safetensors
  denoise --model rgb.safetensors --sigma 0.1 rgb.npy -o d64.npy
  denoise --model rgb.safetensors --sigma 0.1 rgb32.npy -o d32.npy
  py - <<'END'
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows
x, d, e = np.load("rgb.npy"), np.load("d64.npy"), np.load("d32.npy")
assert d.dtype == np.float64 and e.dtype == np.float32 and d.shape == e.shape == x.shape
assert abs(d - e).max() < 1e-4
w = windows(x, (4, 4), axis=(2, 3))                      # 5 3 17 21 4 4
v = w.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 48)
mean, cov = v.mean(0), np.cov(v.T, bias=True)
z = (mean + (v - mean) @ np.linalg.solve(cov + 0.01*np.eye(48), cov)).reshape(5, 17, 21, 3, 4, 4)
total, count = np.zeros_like(x), np.zeros_like(x)
for i in range(4):
    for k in range(4):
        total[:, :, i:i+17, k:k+21] += z[..., i, k].transpose(0, 3, 1, 2)
        count[:, :, i:i+17, k:k+21] += 1
assert abs(d - total/count).max() < 1e-6*abs(x).max(), abs(d - total/count).max()
END
  fails_with 65 denoise --model rgb.safetensors --sigma 0.1 clean.nst
}

@test "denoise: what does not fit is refused in one line" {
  whole_model
  patch_model
  fails_with 64 denoise clean.nst
  fails_with 66 denoise --model absent.safetensors --sigma 0.1 clean.nst
  fails_with 65 denoise --model clean.nst --sigma 0.1 clean.nst
  echo garbage >garbage
  fails_with 65 denoise --model garbage --sigma 0.1 clean.nst
  fails_with 65 denoise --model patches.safetensors clean.nst
  grep -q -- '--sigma' fails.err
  fails_with 65 denoise --model whole.safetensors --sigma 0.1 clean.nst
  grep -q 12 fails.err
  grep -q 40 fails.err
  for sigma in 0 -1 nan inf 1/0 ''; do fails_with 64 denoise --model patches.safetensors --sigma "$sigma" clean.nst; done
  py -c "
import numpy as np
np.save('small.npy', np.zeros((7, 20), 'f4')); np.save('empty.npy', np.zeros((0, 20), 'f4'))
x = np.zeros((20, 20), 'f4'); x[3, 4] = np.nan; np.save('nan.npy', x)"
  for bad in small empty nan; do fails_with 65 denoise --model patches.safetensors --sigma 0.1 $bad.npy; done
  fails_with 65 denoise --model patches.safetensors --sigma 0.1 nan.npy -o out.nst
  [ ! -e out.nst ]
  fails_with 74 bash -c 'denoise --model patches.safetensors --sigma 0.1 clean.nst >/dev/full'
}

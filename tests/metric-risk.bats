#!/usr/bin/env bats
# Metrics without any reference: risk estimates, residuals; Fourier ring correlation.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# The models and clean images of most tests, made once for the file.
setup_file() {
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 12 --height 48 --width 48 --seed 4 -o train.nst
  train-linear gaussian --patch 4 train.nst -o model.safetensors
  train-linear stationary train.nst -o stationary.safetensors
  noise dead-leaves -n 12 --height 48 --width 48 --seed 5 -o clean.nst
}

MODEL() { echo "$BATS_FILE_TMPDIR/model.safetensors"; }
CLEAN() { echo "$BATS_FILE_TMPDIR/clean.nst"; }

# within A B SHARE: relative.
within() { awk -v a="$1" -v b="$2" -v share="$3" 'BEGIN { d = a / b - 1; if (d < 0) d = -d; if (!(d <= share)) { print a, "is not", b, "to a share of", share; exit 1 } }'; }

@test "metric sure: close to the mse that it cannot see, for four noises and two models" {
  while read -r family; do
    for model in "$(MODEL)" "$BATS_FILE_TMPDIR/stationary.safetensors"; do
      # shellcheck disable=SC2086
      noise $family -k "$(CLEAN)" -o noisy.nst
      metric sure --model "$model" --summary noisy.nst >sure
      denoise --model "$model" noisy.nst | metric mse --summary >mse
      # 27,648 pixels: the spread of sure about mse is near 2 s^2 sqrt(2 / n), one part in a hundred here.
      within "$(value sure sure)" "$(value mse mse)" 0.05
    done
  done <<'FAMILIES'
gaussian --sigma 0.1
poisson --peak 30
poisson-gaussian --gain 0.02 --read 0.05
gamma --looks 20
FAMILIES
}

@test "metric sure: sure lies within four standard errors of mse, sample by sample" {
  noise gaussian --sigma 0.1 -k "$(CLEAN)" -o noisy.nst
  metric sure --model "$(MODEL)" noisy.nst >sure
  denoise --model "$(MODEL)" noisy.nst | metric mse >mse
  paste <(jq -r '"\(.sure) \(.sure_stderr)"' sure) <(jq -r .mse mse) |
    awk '{ z = ($1 - $3) / $2; if (z < 0) z = -z; if (z > 4) exit 1; n++ } END { exit n != 12 }'
}

@test "metric sure: by a program that denoises with the model it is that of the model, up to the probes" {
  noise gaussian --sigma 0.1 "$(CLEAN)" -o noisy.nst
  metric sure --model "$(MODEL)" --summary noisy.nst >known
  metric sure --denoiser "denoise --model $(MODEL)" --probes 4 --summary noisy.nst >probed
  # 4 probes of 27,648 signs: within a few parts in a thousand of the exact divergence.
  within "$(value sure probed)" "$(value sure known)" 0.02
  metric sure --denoiser "denoise --model $(MODEL)" --probes 4 --summary --threads 3 noisy.nst | cmp - probed
}

@test "metric sure, pure: of cat it is the noise variance to rounding, whatever the probes" {
  noise gaussian --sigma 0.2 "$(CLEAN)" -o noisy.nst
  metric sure --denoiser cat --summary noisy.nst >row
  close_to "$(value sure row)" 0.04 1e-10
  metric sure --denoiser cat --probe gaussian --epsilon 1 --seed 3 --probes 200 --summary noisy.nst >row
  close_to "$(value sure row)" 0.04 0.001
  noise poisson --peak 50 "$(CLEAN)" -o counts.nst
  metric pure sure --denoiser cat --summary counts.nst >row
  within "$(value pure row)" "$(value sure row)" 1e-6
}

@test "metric sure, pure: a Python program as the denoiser, against the same formula in numpy" {
  needs numpy
  cat >half.py <<'PY'
import json, struct, sys
import numpy as np
while head := sys.stdin.buffer.read(8):
    header = json.loads(sys.stdin.buffer.read(struct.unpack("<Q", head)[0]))
    sigma = json.loads(header["__metadata__"]["noise"])["sigma"]
    assert header["__metadata__"]["stream.last"] == "1" and header["__metadata__"]["stream.index"] == "0"
    shape = header["data"]["shape"]
    y = np.frombuffer(sys.stdin.buffer.read(8 * int(np.prod(shape)))).reshape(shape)
    x = y ** 3 / (y ** 2 + sigma ** 2)
    text = json.dumps({"data": {"dtype": "F64", "shape": shape, "data_offsets": [0, x.nbytes]}}).encode()
    sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text + x.tobytes())
    sys.stdout.buffer.flush()
PY
  py -c "import numpy as np; np.save('y.npy', np.random.default_rng(1).standard_normal((2, 50, 40)) + 1)"
  metric sure --sigma 1 --denoiser "python3 half.py || /usr/bin/python3 half.py" y.npy >rows
  py - rows <<'PY'
import json, sys
import numpy as np
rows = [json.loads(line) for line in open(sys.argv[1])]
for row, y in zip(rows, np.load("y.npy")):
    f, df = y ** 3 / (y ** 2 + 1), y ** 2 * (y ** 2 + 3) / (y ** 2 + 1) ** 2
    truth = ((f - y) ** 2).mean() - 1 + 2 * df.mean()
    # Signs: the step of 0.01 leaves its second-order error alone.
    assert abs(row["sure"] - truth) < 1e-3, (row, truth)
    variance = 4 * ((f - y) ** 2).sum() + 4 * (df ** 2).sum() - 2 * y.size + 8 * (df ** 2).sum()
    assert abs(row["sure_stderr"] / (variance ** .5 / y.size) - 1) < 0.02, (row, variance ** .5 / y.size)
PY
}

@test "metric --denoiser: a program that fails in any way is exit 69 and one line" {
  noise gaussian --sigma 0.1 "$(CLEAN)" -o noisy.nst
  refused() {
    fails_with 69 metric sure --denoiser "$1" noisy.nst
    grep -q "$2" fails.err || { echo "not '$2': $(cat fails.err)"; return 1; }
  }
  refused 'exit 4' 'exit code 4'
  refused 'kill -TERM $$' 'signal 15'
  refused 'yes' 'no record\|more than the one answer'
  refused 'head -c 2000' 'before its answer was whole'
  refused 'exec false' 'exit code 1'
  fails_with 69 metric sure --denoiser 'sleep 60' --timeout 0.1 noisy.nst
  grep -q -e '--timeout' fails.err
}

@test "metric --denoiser: images far above a pipe's size; a denoiser that dies with metric" {
  noise dead-leaves --height 1100 --width 1300 | noise gaussian --sigma 0.1 -o big.nst
  metric sure --denoiser cat big.nst >row
  close_to "$(value sure row)" 0.01 1e-9
  # A helper that would sleep for ever is gone when metric is.
  # shellcheck disable=SC2016
  metric sure --denoiser 'echo $$ >pid; sleep 1000' big.nst 2>/dev/null &
  local metric=$!
  for _ in {1..500}; do [ -s pid ] && break || sleep 0.02; done
  kill "$metric"
  wait "$metric" || true
  for _ in {1..500}; do kill -0 -- "-$(cat pid)" 2>/dev/null || break; sleep 0.02; done
  run kill -0 -- "-$(cat pid)"
  [ "$status" -ne 0 ]
}

@test "metric pure: of a model it is sure; jloss separates what a denoiser knows from what it copies" {
  noise poisson --peak 40 "$(CLEAN)" -o counts.nst
  metric sure pure --model "$(MODEL)" --summary counts.nst >row
  within "$(value pure row)" "$(value sure row)" 1e-12
  metric jloss --model "$(MODEL)" --summary counts.nst >guess
  metric jloss --denoiser cat --grid 2 --summary counts.nst >copy
  awk -v a="$(value jloss guess)" -v b="$(value jloss copy)" 'BEGIN { exit !(a < b) }'
}

@test "metric whiteness, normality: of the true image p is no surprise, of an over-smoothed one it is" {
  noise gaussian --sigma 0.1 --copies 2 "$(CLEAN)" -o noisy.nst
  py -c '' 2>/dev/null || skip "needs numpy"
  py - noisy.nst "$(CLEAN)" <<'PY'
import json, struct, sys
import numpy as np

def records(path):
    with open(path, "rb") as file:
        while head := file.read(8):
            header = json.loads(file.read(struct.unpack("<Q", head)[0]))
            size = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
            body = file.read(size)
            v = header["data"]
            yield np.frombuffer(body[slice(*v["data_offsets"])], dtype={"F32": "f4", "F64": "f8"}[v["dtype"]]).reshape(v["shape"])

def write(path, pairs, noise):
    with open(path, "wb") as file:
        for x, y in pairs:
            x, y = np.ascontiguousarray(x, "f8"), np.ascontiguousarray(y, "f8")
            header = {"__metadata__": {"noise.removed": noise},
                      "data": {"dtype": "F64", "shape": x.shape, "data_offsets": [0, x.nbytes]},
                      "noisy": {"dtype": "F64", "shape": x.shape, "data_offsets": [x.nbytes, 2 * x.nbytes]}}
            text = json.dumps(header).encode()
            text += b" " * (-(8 + len(text)) % 64)
            file.write(struct.pack("<Q", len(text)) + text + x.tobytes() + y.tobytes())

clean, noisy = list(records(sys.argv[2])), list(records(sys.argv[1]))
noise = '{"family":"gaussian","sigma":0.1}'
write("true.nst", zip(clean, noisy), noise)
box = lambda x: sum(np.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
write("smooth.nst", [(box(y), y) for y in noisy], noise)
PY
  metric whiteness normality --summary true.nst >true
  metric whiteness normality --summary smooth.nst >smooth
  jq -e '.whiteness > 1e-5 and .normality > 1e-5 and .normality_sd > 0.97 and .normality_sd < 1.03' true
  jq -e '.whiteness < 1e-20 and (.whiteness_x | fabs) < 1' smooth
  # The estimate whose residual is more likely noise is the better one.
  metric compare whiteness --a true.nst --b smooth.nst >row
  jq -e '.difference > 0 and .better == "yes"' row
  fails_with 65 metric whiteness noisy.nst
  grep -q 'keep-noisy' fails.err
}

@test "metric normality: moments of the residual that denoise --keep-noisy left" {
  noise gaussian --sigma 0.1 "$(CLEAN)" | denoise --model "$(MODEL)" --keep-noisy -o estimates.nst
  metric normality whiteness --summary estimates.nst >row
  # The residual holds most of the noise, and nothing beyond it.
  jq -e '.normality_sd > 0.3 and .normality_sd < 1 and (.normality_bias | fabs) < 0.05' row
}

@test "metric frc: equal, independent, and blurred images" {
  noise gaussian --sigma 0.1 --seed 1 "$(CLEAN)" -o a.nst
  noise gaussian --sigma 0.1 --seed 2 "$(CLEAN)" -o b.nst
  metric frc --reference a.nst --summary a.nst >same
  close_to "$(value frc same)" 1 1e-12
  [ "$(value frc_resolution same)" = 2 ]
  metric frc --curve --rings 4 --reference a.nst --summary b.nst >row
  jq -e '.frc_1 > .frc_2 and .frc_2 > .frc_4 and .frc < 1 and .frc > 0' row
}

@test "metric frc: the resolution of a blurred disc seen twice is the numpy script's" {
  needs numpy
  py - <<'PY'
import numpy as np
r = np.random.default_rng(1)
n = 96
y, x = np.mgrid[:n, :n] - n / 2
disc = (np.hypot(y, x) < 20) * 1.
f = np.fft.fftfreq(n)
blur = np.exp(-2 * (np.pi * 3) ** 2 * (f[:, None] ** 2 + f[None] ** 2))
disc = np.fft.ifft2(np.fft.fft2(disc) * blur).real
for name in "ab":
    np.save(name, disc + .05 * r.standard_normal((n, n)))
PY
  metric frc --reference a.npy b.npy >row
  py - row <<'PY'
import json, sys
import numpy as np
row = json.loads(open(sys.argv[1]).readline())
n, rings = 96, 32
hann = .5 - .5 * np.cos(2 * np.pi * (np.arange(n) + .5) / n)
F, G = (np.fft.fft2((a - a.mean()) * hann * hann[:, None]) for a in map(np.load, ("a.npy", "b.npy")))
f = np.abs(np.fft.fftfreq(n))
ring = np.floor(np.sqrt(f[:, None] ** 2 + f ** 2) * 2 * rings).astype(int)
ring[0, 0] = rings
curve = []
for b in range(rings):
    k = ring == b
    curve.append((F[k] * G[k].conj()).sum().real / np.sqrt((abs(F[k]) ** 2).sum() * (abs(G[k]) ** 2).sum()))
curve = np.array(curve)
b = np.argmax(curve < 1 / 7)
middle = (np.arange(rings) + .5) / 2 / rings
at = np.interp(1 / 7, curve[[b, b - 1]], middle[[b, b - 1]])
assert abs(row["frc"] - curve.mean()) < 1e-10, (row, curve.mean())
assert abs(row["frc_resolution"] * at - 1) < 1e-10, (row, 1 / at)
assert 5 < 1 / at < 20, at
PY
}

@test "metric: a risk needs a denoiser, a noise law, and data that this noise can make" {
  noise gaussian --sigma 0.1 "$(CLEAN)" -o noisy.nst
  fails_with 64 metric sure noisy.nst
  grep -q -e '--denoiser' fails.err
  fails_with 64 metric sure --model "$(MODEL)" --denoiser cat noisy.nst
  fails_with 64 metric sure --denoiser cat --probes 0 noisy.nst
  fails_with 65 metric sure --denoiser cat "$(CLEAN)"
  grep -q -e '--sigma' fails.err
  fails_with 65 metric pure --denoiser cat noisy.nst
  fails_with 66 metric sure --model nowhere.safetensors noisy.nst
  needs numpy
  py -c "import numpy as np; np.save('x', -np.ones((8, 8)))"
  tensor cat x.npy -o x.nst
  noise gaussian --sigma 0.1 x.nst | metric sure --denoiser cat >row
  noise gamma --looks 4 "$(CLEAN)" | metric sure --denoiser cat --summary >row
}

@test "metric frc: the companion reference.1 is another capture; none, a copy, or a constant is refused" {
  noise dead-leaves --height 64 --width 64 -o x.nst
  noise gaussian --sigma 0.1 --copies 2 x.nst -o pair.nst
  metric frc pair.nst >companion
  noise gaussian --sigma 0.1 x.nst -o a.nst
  fails_with 65 metric frc a.nst
  grep -q 'no clean sample' fails.err
  py - <<'PY' || skip "needs numpy"
import numpy as np
np.save("flat.npy", np.full((64, 64), 0.5, "f4"))
PY
  fails_with 65 metric frc --reference x.nst flat.npy
  grep -q 'data is constant' fails.err
  fails_with 65 metric frc --reference flat.npy x.nst
  # Of two captures, FRC = signal / (signal + noise) on each ring, below that with the clean image.
  noise gaussian --sigma 0.1 --copies 2 -k x.nst | metric frc >clean
  jq -en --slurpfile a companion --slurpfile b clean '$a[0].frc > 0.1 and $a[0].frc < $b[0].frc'
}

@test "metric normality: the distance of Kolmogorov and Smirnov is that of sorted values, its p-value that of scipy" {
  py -c 'import scipy.stats' 2>/dev/null || skip "needs scipy"
  noise gaussian --sigma 0.1 "$(CLEAN)" | denoise --model "$(MODEL)" --keep-noisy -o estimates.nst
  tensor head -n 1 estimates.nst -o one.safetensors
  metric normality one.safetensors >row
  py - row <<'PY'
import json, struct, sys
import numpy as np
from scipy.special import kolmogorov
from scipy.stats import norm
with open("one.safetensors", "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    body = file.read()
get = lambda name: np.frombuffer(body[slice(*header[name]["data_offsets"])], "f4").astype(float)
r = np.sort((get("noisy") - get("data")) / 0.1)
n, u = r.size, norm.cdf(r)
d = max((np.arange(1, n + 1) / n - u).max(), (u - np.arange(n) / n).max())
row = json.load(open(sys.argv[1]))
assert d - 0.4 / 256 - 1 / n < row["normality_ks"] <= d + 1e-12, (row, d)
p = kolmogorov((n ** .5 + .12 + .11 / n ** .5) * row["normality_ks"])
assert abs(row["normality_ks_p"] - p) < 1e-10 + 1e-8 * p, (row, p)
PY
  metric normality --state s.json --summary estimates.nst >all
  metric merge s.json | cmp - all
}

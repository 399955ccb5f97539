#!/usr/bin/env bats
# Metrics against a clean reference, beside those of metric.bats.
load helpers

# arrays STATEMENTS: runs Python with numpy as np; arrays are saved with np.save.
arrays() { py -c "import numpy as np; r = np.random.default_rng(1); $1"; }

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "metric: nrmse, snr, correlation, gradient, sobolev and histogram are those of numpy" {
  needs numpy
  arrays "x = r.random((3, 41, 57), dtype='f4'); np.save('x.npy', x)
np.save('y.npy', x + .1 * r.standard_normal(x.shape, dtype='f4'))"
  metric nrmse snr correlation gradient sobolev histogram --order -0.7 --bins 50 --range 1.5 --reference x.npy y.npy >rows
  py - rows <<'PY'
import json, sys
import numpy as np

X, Y = np.load("x.npy").astype(float), np.load("y.npy").astype(float)
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == 3
for row, x, y in zip(rows, X, Y):
    e = y - x
    fy, fx = np.meshgrid(np.fft.fftfreq(41), np.fft.fftfreq(57), indexing="ij")
    spectrum = np.abs(np.fft.fft2(e)) ** 2 / e.size ** 2
    bins = lambda a: np.bincount(np.clip(np.floor(a / 1.5 * 50), 0, 49).astype(int).ravel(), minlength=50) / a.size
    p, q = bins(y), bins(x)
    truth = {
        "nrmse": np.linalg.norm(e) / np.linalg.norm(x),
        "snr": 20 * np.log10(np.linalg.norm(x) / np.linalg.norm(e)),
        "correlation": np.corrcoef(x.ravel(), y.ravel())[0, 1],
        "gradient": np.concatenate([np.diff(e, axis=0).ravel() ** 2, np.diff(e, axis=1).ravel() ** 2]).mean(),
        "sobolev": (spectrum * (1 + 4 * np.pi ** 2 * (fx ** 2 + fy ** 2)) ** -.7).sum(),
        "histogram": abs(np.cumsum(p - q)).mean(),
        "histogram_tv": abs(p - q).sum() / 2,
    }
    assert list(row) == ["id", "index", *truth], row
    for key, value in truth.items():
        assert abs(row[key] / value - 1) < 1e-10, (key, row[key], value)
PY
}

@test "metric ms-ssim: the definition in numpy, odd sizes included" {
  needs numpy
  arrays "x = np.cumsum(r.standard_normal((2, 171, 194)), 2); x = (x - x.min()) / np.ptp(x); np.save('x.npy', x)
np.save('y.npy', x + .05 * r.standard_normal(x.shape))"
  metric ms-ssim --range 1 --reference x.npy y.npy >rows
  py - rows <<'PY'
import json, sys
import numpy as np

w = np.exp(-.5 * (np.arange(-5, 6) / 1.5) ** 2)
w /= w.sum()

def smooth(image):
    image = sum(w[k] * image[k:image.shape[0] - 10 + k] for k in range(11))
    return sum(w[k] * image[:, k:image.shape[1] - 10 + k] for k in range(11))

def half(image):
    image = np.pad(image, [(0, s % 2) for s in image.shape], mode="edge")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4

rows = [json.loads(line) for line in open(sys.argv[1])]
for row, x, y in zip(rows, np.load("x.npy"), np.load("y.npy")):
    index = 1
    for scale, b in enumerate((.0448, .2856, .3001, .2363, .1333)):
        if scale:
            x, y = half(x), half(y)
        mx, my = smooth(x), smooth(y)
        vx, vy, v = smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my
        cs = (2 * v + .03 ** 2) / (vx + vy + .03 ** 2)
        if scale == 4:
            cs = cs * (2 * mx * my + .01 ** 2) / (mx ** 2 + my ** 2 + .01 ** 2)
        index *= cs.mean() ** b
    assert abs(row["ms-ssim"] / index - 1) < 1e-10, (row, index)
    assert .2 < index < .98, index
PY
}

@test "metric sobolev: order 0 is mse; fine errors weigh more above it, less below" {
  noise dead-leaves --height 64 --width 64 | noise gaussian --sigma 0.1 -k -o noisy.nst
  metric sobolev mse --order 0 noisy.nst >row
  close_to "$(value sobolev row)" "$(value mse row)" 1e-15
  metric sobolev mse noisy.nst >up
  metric sobolev mse --order -1 noisy.nst >down
  # The mean of 1 + |2 pi f|^2 over white noise is 1 + 2 pi^2 / 3 = 7.58.
  jq -e '.sobolev / .mse > 7 and .sobolev / .mse < 8.1' up
  jq -e '.sobolev < .mse' down
  fails_with 64 metric sobolev --order 99 noisy.nst
}

@test "metric histogram: needs a range, pools counts" {
  needs numpy
  arrays "np.save('x', np.array([[0., 0, 0, 0], [1, 1, 1, 1]])); np.save('y', np.array([[1., 1, 1, 1], [0, 0, 0, 0]]))"
  fails_with 65 metric histogram --reference x.npy --axes ND y.npy
  grep -q -e '--range' fails.err
  metric histogram --axes ND --range 1 --bins 2 --summary --reference x.npy y.npy >row
  [ "$(jq -c '[.histogram, .histogram_tv, .histogram_mean]' row)" = '[0,0,0.5]' ]
}

@test "metric snr: a threshold; a clean sample of zeros has none" {
  noise dead-leaves --height 64 --width 64 | noise gaussian --sigma 0.1 -k -o noisy.nst
  metric snr --min-snr 5 noisy.nst
  fails() { metric snr --min-snr 50 noisy.nst 2>/dev/null; }
  run fails
  [ "$status" -eq 1 ]
  needs numpy
  arrays "np.save('zero', np.zeros((4, 4))); np.save('one', np.ones((4, 4)))"
  fails_with 65 metric snr --reference zero.npy one.npy
  fails_with 65 metric nrmse --reference zero.npy one.npy
  fails_with 65 metric correlation --reference zero.npy one.npy
  grep -q constant fails.err
}

#!/usr/bin/env bats
# Synthetic images against what is known of their laws; dead-leaves is in noise.bats.
load helpers

setup() { cd "$BATS_TEST_TMPDIR" || return; }

SOURCES="spectrum wavelet c-alpha discs gaussian-field subspaces"

# load.py: images of a stream with what their metadata `generator` says.
reader() {
  export PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples
  cat >images.py <<'END'
import json
from noiseutils_stream import read_records
def images(path):
    for tensors, metadata in read_records(open(path, "rb")):
        yield tensors["data"].astype(float), json.loads(metadata["generator"])
END
}

@test "sources: the same bytes on any number of threads, and split over jobs" {
  for source in $SOURCES; do
    run="noise $source --height 32 --width 48 --seed 6"
    $run -n 5 --threads 1 -o one.nst
    $run -n 5 --threads 3 -o three.nst
    cmp one.nst three.nst
    $run -n 2 -o part-0.nst
    $run -n 3 --first-index 2 -o part-1.nst
    tensor cat --restream part-0.nst part-1.nst -o joined.nst
    cmp one.nst joined.nst
    $run -n 1 --first-index 1 | tensor convert -o second.npy
    $run -n 1 | tensor convert -o first.npy
    status=0
    cmp -s first.npy second.npy || status=$?
    [ "$status" -eq 1 ]
    [ "$(tensor info one.nst | head -n 1 | jq -r '"\(.data_shape) \(.axes) \(.range)"')" = "[32,48] HW 1" ]
    tensor info one.nst | head -n 1 | jq -r .generator | jq -e ".name == \"$source\""
  done
}

@test "sources: NOISEUTILS_ISA does not matter" {
  for source in $SOURCES; do
    noise $source --height 32 --width 48 -o best.nst
    NOISEUTILS_ISA=baseline noise $source --height 32 --width 48 -o baseline.nst
    cmp best.nst baseline.nst
  done
}

@test "gaussian-field: the covariance is that of its spectrum, the pixels are normal" {
  needs numpy
  noise gaussian-field -n 4000 --height 12 --width 10 --slope 1.3 --mean 2 --deviation 0.5 --seed 3 -o field.npy
  py - <<'END'
import numpy as np
x = np.load("field.npy").astype(float) - 2
n, H, W = x.shape
fy, fx = np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij")
S = np.where((fy == 0) & (fx == 0), 0, np.hypot(fy, np.where((fy == 0) & (fx == 0), 1, fx))**-2.6)
S *= .25/S.mean()
F = np.fft.fft2(x)
# |F|^2 / (H W S) is chi-square of 1 or 2 degrees over its degrees: its mean has standard error sqrt(2/n) at most.
ratio = (np.abs(F)**2).mean(0)[S > 0]/(H*W*S[S > 0])
assert np.abs(ratio - 1).max() < 4.8*np.sqrt(2/n), np.abs(ratio - 1).max()
assert np.abs(x.mean((1, 2))).max() < 1e-6
C = np.fft.ifft2(S).real
for dy, dx in ((0, 0), (0, 1), (2, 1), (5, 4), (6, 5)):
    products = (x*np.roll(x, (-dy, -dx), (1, 2))).mean((1, 2))
    assert abs(products.mean() - C[dy, dx]) < 4.8*products.std()/np.sqrt(n), (dy, dx)
z = x[:, 3, 4]/.5
assert abs((z**4).mean() - 3) < 4.8*np.sqrt(96/n) and abs((z**3).mean()) < 4.8*np.sqrt(15/n)
END
}

@test "spectrum: the amplitudes are exact, the slopes as drawn, the phases uniform" {
  needs numpy
  reader
  noise spectrum -n 40 --height 64 --width 96 --seed 2 -o spectrum.nst
  noise spectrum -n 3 --slope 2 --anisotropy 0 --colour --height 32 --width 32 -o colour.nst
  py - <<'END'
import numpy as np
from images import images
slopes, angles = [], []
for x, told in images("spectrum.nst"):
    H, W = x.shape
    F = np.abs(np.fft.fft2(x))
    fy, fx = np.abs(np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij"))
    amplitude = 1/(2.0**-52 + fx**told["slope_x"] + fy**told["slope_y"])
    amplitude[0, 0] = 0
    F[0, 0] = 0
    scale = F.sum()/amplitude.sum()
    assert np.abs(F - scale*amplitude).max() < 1e-5*(H*W)**.5 + 1e-6*F.max(), np.abs(F - scale*amplitude).max()
    # Along an axis log |F| falls with the slope of that axis, as far as rounding to F32 lets see.
    if told["slope_x"] < 2:
        k = np.arange(1, 17)
        assert abs(np.polyfit(np.log(k), np.log(F[0, k]), 1)[0] + told["slope_x"]) < 1e-3
    assert x.min() == 0 and x.max() == 1
    slopes.append((told["slope_x"] + told["slope_y"])/2)
    angles.append(np.angle(np.fft.fft2(x))[3, 5])
slopes = np.array(slopes)
assert slopes.min() > .5 and slopes.max() < 3.5 and abs(slopes.mean() - 2) < 4.5*3/np.sqrt(12*40)
assert abs(np.exp(1j*np.array(angles)).mean()) < 4/np.sqrt(40)
for x, told in images("colour.nst"):
    assert x.shape == (3, 32, 32) and told["slope_x"] == 2 and told["slope_y"] == 2
    F = np.abs(np.fft.fft2(x))
    F[:, 0, 0] = 0
    F /= F.sum((1, 2), keepdims=True)  # each channel keeps the deviation of its noise
    assert np.abs(F[0] - F[1]).max() < 1e-4*F.max() and np.abs(x[0] - x[1]).max() > .01
END
}

# windows(H, W, K, S): level and window of each band of a steerable pyramid, written anew; quantiles(): of a band's law.
pyramid() {
  cat >pyramid.py <<'END'
import math, numpy as np
def windows(H, W, K, S):
    fy, fx = np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij")
    rho, theta = 2*np.hypot(fy, fx), np.arctan2(fy, fx)
    turn = lambda r: np.pi/2*np.clip(np.log2(np.maximum(2*r, 1e-9)), 0, 1)
    low, high = lambda r: np.cos(turn(r)), lambda r: np.sin(turn(r))
    n = K - 1
    c = math.sqrt(4**n*math.factorial(n)**2/(K*math.factorial(2*n)))
    yield 0, high(rho)
    for l in range(S):
        for k in range(K):
            yield l, 1j**n*low(2**l*rho)*high(2**(l + 1)*rho)*c*np.cos(theta - np.pi*k/K)**n
    yield S, low(2**S*rho)
def bands(x, K, S):
    H, W = x.shape
    F = np.fft.fft2(x)
    for l, window in windows(H, W, K, S):
        h, w = H >> l, W >> l
        part = np.fft.fftshift(window*F)[(H - h)//2:(H + h)//2, (W - w)//2:(W + w)//2]
        yield l, np.fft.ifft2(np.fft.ifftshift(part)).real*2.0**-l
def quantiles(scale, shape, count):
    x = np.linspace(-1, 1, 200001)**3*200
    h = np.exp(-np.abs(x/scale)**shape)
    F = np.append(0, np.cumsum((h[1:] + h[:-1])/2*np.diff(x)))
    return np.interp((np.arange(count) + .5)/count, F/F[-1], x)
END
}

@test "wavelet: the bands of a pyramid written anew have the laws told, nearer with each iteration" {
  needs numpy
  reader
  pyramid
  for iterations in 1 20; do
    noise wavelet -n 3 --height 128 --width 64 --scales 2 --iterations $iterations --seed 1 -o wavelet-$iterations.nst
  done
  noise wavelet --height 96 --width 96 --scales 1 --orientations 3 --shape 0.5 --colour -o colour.nst
  py - <<'END'
import numpy as np
from images import images
from pyramid import bands, quantiles
distances = {}
for iterations in (1, 20):
    found = []
    for x, told in images(f"wavelet-{iterations}.nst"):
        assert len(told["shapes"]) == 1 and len(told["shapes"][0]) == 9
        assert .4 <= min(told["shapes"][0]) and max(told["shapes"][0]) <= .8 and x.min() == 0 and x.max() == 1
        values = list(bands(x/told["scale"], 4, 2))
        energy = sum((v**2).sum() for _, v in values)
        assert abs(energy/((x/told["scale"])**2).sum() - 1) < 1e-12
        for r, (level, v) in zip(told["shapes"][0], values):
            found.append([np.sqrt(((np.sort(v.ravel()) - quantiles(4.0**2**level, r + off, v.size))**2).mean())/v.std()
                          for off in (-.1, 0, .1)])
    distances[iterations] = np.median(found, axis=0)
less, right, more = distances[20]
# The laws contradict each other where bands overlap: no image has them all. But told from 0.1 more or less.
assert right < .5*min(less, more) and right < .5*distances[1][1], distances
(x, told), = images("colour.nst")
assert x.shape == (3, 96, 96) and told["shapes"] == [[.5]*4]*3 and "slope_x" not in told
assert abs(np.corrcoef(x.reshape(3, -1))[np.triu_indices(3, 1)]).max() < .1
END
}

@test "wavelet --spectrum: where no band was changed, the amplitudes have the slopes told" {
  needs numpy
  reader
  noise wavelet --spectrum -n 5 --height 128 --width 96 --scales 2 --slope 0.5:2 --seed 4 -o both.nst
  py - <<'END'
import numpy as np
from images import images
for x, told in images("both.nst"):
    H, W = x.shape
    F = np.abs(np.fft.fft2(x))
    fy, fx = np.abs(np.meshgrid(np.fft.fftfreq(H), np.fft.fftfreq(W), indexing="ij"))
    # Of scale 1 the windows begin at 2 |f| = 1/8: below, the amplitudes are those of the last time.
    own = (np.hypot(fy, fx) < 1/16 - 1e-9) & ((fy > 0) | (fx > 0))
    ratio = F[own]*(fx**told["slope_x"] + fy**told["slope_y"])[own]
    # Each F sums up H W values rounded to 2^-25 at most.
    error = 6*2**-25*np.sqrt(H*W)/F[own]
    assert own.sum() > 70 and (np.abs(ratio/np.median(ratio) - 1) < 1e-6 + error + np.median(error)).all()
    # An axis of the lowest frequencies, as a slope.
    k = np.arange(1, 6)
    assert abs(np.polyfit(np.log(k), np.log(F[0, k]), 1)[0] + told["slope_x"]) < 1e-3
    slopes = told["slope_x"] + told["slope_y"]
    assert .5 <= slopes/2 <= 2
END
}

@test "spectrum and wavelet with a palette: three channels, what was drawn is told, the same bytes however made" {
  needs numpy
  reader
  for options in "spectrum --palette --iterations 3" "wavelet --palette --iterations 2" \
    "wavelet --palette --spectrum --iterations 2"; do
    run="noise $options --height 32 --width 48 --seed 6"
    $run -n 3 --threads 1 -o one.nst
    $run -n 3 --threads 3 -o three.nst
    cmp one.nst three.nst
    $run -n 1 -o part-0.nst
    $run -n 2 --first-index 1 -o part-1.nst
    tensor cat --restream part-0.nst part-1.nst -o joined.nst
    cmp one.nst joined.nst
    py - "$options" <<'END'
import sys
from images import images
for x, told in images("one.nst"):
    assert x.shape == (3, 32, 48) and x.min() == 0 and x.max() == 1
    assert 3 <= told["palette"]["colours"] <= 22 and 1 <= told["palette"]["blur"] <= 10
    assert ("slope_x" in told) == ("spectrum" in sys.argv[1]) and ("shapes" in told) == ("wavelet" in sys.argv[1])
END
  done
}

@test "c-alpha: two regions, a contour of the order asked for, and its Hoelder bound" {
  needs numpy
  reader
  for alpha in 1 3; do noise c-alpha -n 20 --height 64 --width 80 --alpha $alpha --seed 5 -o c-$alpha.nst; done
  py - <<'END'
import numpy as np
from images import images
roughness = {}
for alpha in (1, 3):
    all_u, jumps = [], []
    for x, told in images(f"c-{alpha}.nst"):
        H, W = x.shape
        contour = np.array(told["contour"])
        assert told["alpha"] == alpha and told["beta"] == alpha
        # Undone, the contour is uniform noise on (-1, 1), but for its rounding to pixels.
        curve = (contour - H//2)/H
        k = np.abs(np.fft.fftfreq(W)*W); k[0] = 1
        F = np.fft.fft(curve)
        if alpha == 1:
            u = np.fft.ifft(F*k**alpha).real
            # Rounding errors of 1/(2 H) are amplified by |k| <= W/2.
            noise = np.sqrt((k**2).mean()/12)/H
            all_u.append(u); assert np.abs(u).max() < 1 + 6*noise, np.abs(u).max()
        # |c(x) - c(y)| <= sum |F_k| |exp(i k (x - y)) - 1| / W, and |F_k| <= W |k|^-alpha.
        j = np.arange(W)
        for d in (1, 5):
            bound = (np.abs(F[1:])*np.abs(np.exp(2j*np.pi*j[1:]*d/W) - 1)).sum()/W
            assert np.abs(curve - np.roll(curve, d)).max() <= bound + 1e-12
            assert np.abs(curve - np.roll(curve, d)).max() <= (k[1:]**-float(alpha)*np.abs(np.exp(2j*np.pi*j[1:]*d/W) - 1)).sum() + 1/H
        y = np.arange(H)[:, None]
        below, above = y > contour + 1, y < contour - 1
        for shift in (1, -1): below, above = below & np.roll(below, shift, 1), above & np.roll(above, shift, 1)
        bright, dark = (below, above) if told["below_is_bright"] else (above, below)
        assert x[bright].min() >= told["bright_from"] - 1e-6 and x[dark].max() <= told["dark_to"] + 1e-6
        assert x.min() >= 0 and x.max() <= 1
        region = below & np.roll(below, 1, 0)
        jumps.append(np.abs(np.diff(x, axis=0))[region[1:]].mean()/max(1e-9, x[below].std()))
    if alpha == 1:
        u = np.concatenate(all_u)
        noise = ((k**2).mean()/12)/H**2
        assert abs(u.var() - (1/3 + noise)) < 5*np.sqrt(4/45/u.size), (u.var(), noise)
    roughness[alpha] = np.median(jumps)
assert roughness[3] < .5*roughness[1], roughness
END
}

@test "discs: each pixel is covered as far as the disc reaches, and the whole has area pi r^2" {
  needs numpy
  reader
  noise discs -n 300 --seed 8 -o discs.nst
  noise discs -n 4 --height 24 --width 30 --rmin 2 -o small.nst
  py - <<'END'
import numpy as np
from images import images
told = []
for x, t in images("discs.nst"):
    covered = (x - t["background"])/(t["foreground"] - t["background"])
    contrast = abs(t["foreground"] - t["background"])
    area = np.pi*t["radius"]**2
    assert abs(covered.sum() - area) < 1e-7*x.size/contrast + 1e-9*area, (covered.sum(), area)
    y, c = np.arange(80) + .5, covered/covered.sum()
    # Partly covered pixels, 8 r + 8 at most, count at their centres: each is off by a (1 - a)/2 <= 1/8 of its area a.
    tolerance = (t["radius"] + 1)/area + 80*1e-7*x.size/contrast/area
    assert abs((c.sum(1)*y).sum() - t["row"]) < tolerance and abs((c.sum(0)*y).sum() - t["column"]) < tolerance
    told.append([t[k] for k in ("row", "column", "radius", "background", "foreground")])
told = np.array(told)
row, column, radius = told[:, :3].T
room = np.minimum(np.minimum(row, 80 - row), np.minimum(column, 80 - column))
assert told[:, :2].min() >= 10 and told[:, :2].max() <= 70 and radius.min() >= 5 and (radius <= room).all()
uniform = np.stack([(row - 10)/60, (column - 10)/60, (radius - 5)/(room - 5), told[:, 3], told[:, 4]])
assert np.abs(uniform.mean(1) - .5).max() < 4.5/np.sqrt(12*300)
assert np.abs((uniform**2).mean(1) - 1/3).max() < 4.5*np.sqrt(4/45/300)
# Against counting 64 x 64 points a pixel.
for x, t in images("small.nst"):
    fine = (np.arange(30*64) + .5)/64
    inside = (fine[:24*64, None] - t["row"])**2 + (fine[None] - t["column"])**2 < t["radius"]**2
    counted = inside.reshape(24, 64, 30, 64).mean((1, 3))
    covered = (x - t["background"])/(t["foreground"] - t["background"])
    assert np.abs(covered - counted).max() < .02 + 1e-6/abs(t["foreground"] - t["background"])
END
}

@test "dead-leaves: the correlation of other exponents and shapes is B / (2 B0 - B) too" {
  needs numpy
  for exponent in 1 2.5; do
    noise dead-leaves -n 30 --height 96 --width 96 --rmin 2 --rmax 12 --exponent $exponent --seed 4 -o circle-$exponent.npy
    noise dead-leaves -n 30 --height 96 --width 96 --rmin 2 --rmax 12 --exponent $exponent --shape square --seed 5 -o square-$exponent.npy
  done
  noise dead-leaves -n 30 --height 96 --width 96 --rmin 2 --rmax 12 --shape rectangle --seed 6 -o rectangle-3.npy
  py - <<'END'
import numpy as np
def B(shape, r, t):
    if shape == "circle":
        s = np.minimum(t/(2*r), 1)
        return 2*r**2*np.arccos(s) - t*r*np.sqrt(1 - s**2)
    if shape == "square":  # side r sqrt 2, shifted along a side
        return np.maximum(2**.5*r - t, 0)*2**.5*r
    a = (np.arange(400) + .5)/400*np.pi/2  # a rectangle 2 r cos a wide, 2 r sin a high
    return (np.maximum(2*r[:, None]*np.cos(a) - t, 0)*2*r[:, None]*np.sin(a)).mean(1)
for shape, exponent in (("circle", 1), ("circle", 2.5), ("square", 1), ("square", 2.5), ("rectangle", 3)):
    x = np.load(f"{shape}-{exponent}.npy").astype(float) - .5
    r = np.linspace(2, 12, 2001); p = r**-float(exponent); p /= p.sum()
    b = lambda t: (p*B(shape, r, t)).sum()
    for t in (1, 2, 4, 8):
        expected = b(t)/(2*b(0) - b(t))
        pairs = np.stack([(x[:, t:]*x[:, :-t]).mean((1, 2)), (x[:, :, t:]*x[:, :, :-t]).mean((1, 2))]).mean(0)
        got, se = 12*pairs.mean(), 12*pairs.std()/np.sqrt(30)
        assert abs(got - expected) < 4.5*se + .01, (shape, exponent, t, got, expected, se)
END
}

@test "dead-leaves: every shape fills the image; colours are independent, the first as without" {
  needs numpy
  for shape in circle square oriented-square rectangle triangle quadrilateral mixed; do
    noise dead-leaves --height 40 --width 30 --rmin 2 --rmax 15 --shape $shape -o $shape.npy
  done
  noise dead-leaves --height 40 --width 30 --rmin 2 --rmax 15 --colour -o colour.npy
  [ "$(noise dead-leaves --height 4 --width 4 --rmax 3 --colour | tensor info | jq -r '"\(.data_shape) \(.axes)"')" = "[3,4,4] CHW" ]
  py - <<'END'
import numpy as np
shapes = [np.load(s + ".npy") for s in "circle square oriented-square rectangle triangle quadrilateral mixed".split()]
for x in shapes: assert x.min() > 0 and x.max() < 1
assert all((a != b).any() for i, a in enumerate(shapes) for b in shapes[:i])
c = np.load("colour.npy").reshape(3, 40, 30)
assert (c[0] == shapes[0].reshape(40, 30)).all()
# Channels have the same edges and other values.
edges = np.diff(c, axis=2) != 0
assert (edges[0] == edges[1]).all() and (edges[0] == edges[2]).all() and (c[0] != c[1]).all()
END
}

@test "sources: bad input" {
  fails_with 64 noise dead-leaves --exponent 0.5
  fails_with 64 noise dead-leaves --shape star
  fails_with 64 noise spectrum --slope 3:2
  fails_with 64 noise spectrum --height 1
  fails_with 64 noise wavelet --height 33
  fails_with 64 noise wavelet --scales 9 --height 256 --width 256
  fails_with 64 noise wavelet --shape 0
  fails_with 64 noise wavelet --orientations 0
  fails_with 64 noise wavelet --iterations 0
  fails_with 64 noise wavelet --slope 2
  fails_with 64 noise c-alpha --alpha 0
  fails_with 64 noise discs --rmin 20
  fails_with 64 noise gaussian-field --deviation 0
  fails_with 64 noise gaussian-field --slope nan
  touch x.nst
  fails_with 64 noise discs x.nst
}

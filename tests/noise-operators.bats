#!/usr/bin/env bats
# noise --operator: what travels on, what is kept, and agreement with numpy, scipy and Pillow.
load helpers

read -ra all <<<"mask:0.4 box:3,4,20,9 blur:1.5 motion:7,25 downsample:4 bicubic:4 radon:19 fourier:0.3 fourier:0.3,points random:70 mask:mask.npy"

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 2 --height 64 --width 48 -o clean.nst
  noise dead-leaves --height 64 --width 48 --seed 9 | noise gaussian --sigma 1 | tensor convert --dtype U8 -o mask.npy
}

# measured OPERATOR INPUT OUTPUT: with so little noise that it vanishes beside rounding, in F64.
measured() { tensor convert --dtype F64 "$2" | noise gaussian --sigma 1e-30 --operator "$1" -o "$3"; }

python_has() { py -c "import $1" || skip "needs python3-$1"; }

@test "operators: name, argument, axes, shape, seed and sample are in the metadata" {
  noise gaussian --sigma 0.1 --seed 4 --operator mask:1/2 --operator downsample:4 --first-index 6 clean.nst | tensor info >info
  value noise info | jq -S . >noise
  jq -S . >expected <<'END'
{"family": "gaussian", "seed": 4, "sigma": 0.1, "operator": [
  {"name": "mask", "argument": "1/2", "axes": "HW", "shape": [64, 48], "seed": 4, "sample": 6},
  {"name": "downsample", "argument": "4", "axes": "HW", "shape": [64, 48]}]}
END
  diff expected noise
  [ "$(value data_shape info)" = '[16,12]' ]
  [ "$(tail -n 1 info | jq -r .noise | jq '.operator[0].sample')" = 7 ]
  noise gaussian --sigma 0.1 --operator blur:1 clean.nst | tensor history >history
  grep -q -- 'noise gaussian --sigma 0.1 --operator blur:1' history
}

@test "operators: the sample before the operator is kept, of whatever shape" {
  tensor info clean.nst | jq -c '[.data_mean, .data_shape]' >expected
  for operator in downsample:4 radon:19 fourier:0.3 random:70; do
    noise gaussian --sigma 0.1 --operator "$operator" -k clean.nst | tensor info | jq -c '[.clean_mean, .clean_shape]' | diff expected -
  done
  noise gaussian --sigma 0.1 --operator downsample:2 -k clean.nst | tensor stack | tensor info >info
  [ "$(value clean_shape info) $(value data_shape info)" = '[2,64,48] [2,32,24]' ]
  noise gaussian --sigma 0.1 --operator downsample:2 -k clean.nst >small.nst
  fails_with 65 metric psnr small.nst
  grep -q '\[32,24\].*\[64,48\]' fails.err
}

@test "operators: references share the operator, samples do not" {
  noise gaussian --sigma 1e-30 --operator mask:0.5 --copies 2 clean.nst | tensor info | head -n 1 >info
  [ "$(value data_mean info)" = "$(value '["reference.1_mean"]' info)" ]
  needs numpy
  noise gaussian --sigma 1e-30 --operator mask:0.5 -o y.npy clean.nst
  py -c "
import numpy as np
kept = np.load('y.npy') > 1e-20
assert (kept[0] != kept[1]).mean() > .4"
}

@test "operators: those on what is noisy already follow it in the metadata" {
  noise gaussian --sigma 0.1 --operator mask:0.9 clean.nst | noise gaussian --sigma 0.2 --operator blur:1 --operator radon:9 |
    tensor info | head -n 1 | jq -r .noise | jq -c '[.[] | [.operator[].name]]' >names
  [ "$(cat names)" = '[["mask"],["blur","radon"]]' ]
}

@test "operators: range and source stay where values keep their range" {
  noise dead-leaves --height 48 --width 48 -o photo.png
  for operator in mask:0.4 blur:1 downsample:4 bicubic:4; do
    noise gaussian --sigma 0.1 --operator "$operator" --clip photo.png | tensor info >info
    [ "$(value source info | jq .depth)" = 8 ]
  done
  for operator in radon:9 fourier:0.5 random:9; do
    noise gaussian --sigma 0.1 --operator "$operator" photo.png | tensor info >info
    [ "$(value source info)" = null ]
    fails_with 65 noise gaussian --sigma 0.1 --operator "$operator" --clip photo.png
  done
}

@test "operators: threads, a batch and its split, and parts of an array job give the same bytes" {
  for operator in "${all[@]}"; do
    noise gaussian --sigma 0.1 --operator "$operator" --threads 1 clean.nst -o one.nst
    noise gaussian --sigma 0.1 --operator "$operator" --threads 3 clean.nst -o three.nst
    cmp one.nst three.nst
    tensor slice --to 1 clean.nst | noise gaussian --sigma 0.1 --operator "$operator" -o part-0.nst
    tensor slice --from 1 clean.nst | noise gaussian --sigma 0.1 --operator "$operator" --first-index 1 -o part-1.nst
    tensor cat --restream part-0.nst part-1.nst | cmp - one.nst
    tensor stack clean.nst | noise gaussian --sigma 0.1 --operator "$operator" --no-history -o batch.nst
    noise gaussian --sigma 0.1 --operator "$operator" --no-history clean.nst | tensor stack --no-history | cmp - batch.nst
  done
}

@test "operators: a batch of masked samples is noised again and split" {
  tensor stack clean.nst | noise gaussian --sigma 0.1 --operator mask:0.5 | noise gaussian --sigma 0.1 --operator mask:0.5 -o twice.nst
  noise gaussian --sigma 0.1 --operator mask:0.5 clean.nst | noise gaussian --sigma 0.1 --operator mask:0.5 -o split.nst
  tensor split twice.nst | tensor info | jq -c '[.noise, .data_mean]' >of-batch
  tensor info split.nst | jq -c '[.noise, .data_mean]' | diff of-batch -
}

@test "operators: blur, motion, downsample, box, fourier as numpy computes them" {
  needs numpy
  tensor convert --dtype F64 clean.nst -o x.npy
  py -c "import numpy as np; np.save('kernel.npy', np.arange(12.).reshape(3, 4)**2 - 5)"
  measured blur:kernel.npy clean.nst file.npy
  for operator in blur:1.5 motion:7,25 downsample:4 box:3,4,20,9 fourier:1; do measured "$operator" clean.nst "${operator%%:*}.npy"; done
  py - <<'END'
import numpy as np
x = np.load("x.npy"); n, h, w = x.shape
y = np.load("downsample.npy")
assert np.abs(y - x.reshape(n, h//4, 4, w//4, 4).mean((2, 4))).max() < 1e-14
z = x.copy(); z[:, 3:23, 4:13] = 0
assert np.abs(np.load("box.npy") - z).max() < 1e-14
F = np.fft.fft2(x, norm="ortho")
y = np.load("fourier.npy")
assert y.shape == (n, 2, h, w) and np.abs(y[:, 0] + 1j*y[:, 1] - F).max() < 1e-12
# blur: periodic convolution with a sampled Gaussian, wrapped
d = np.arange(-40, 41); g = np.exp(-d**2/(2*1.5**2)); g /= g.sum()
def wrap(size):
    k = np.zeros(size); np.add.at(k, d % size, g); return np.fft.fft(k)
expected = np.fft.ifft2(np.fft.fft2(x) * wrap(h)[:, None] * wrap(w)).real
assert np.abs(np.load("blur.npy") - expected).max() < 1e-13
k = np.load("kernel.npy")
expected = sum(k[i, j]/k.sum()*np.roll(x, (i-1, j-2), (1, 2)) for i in range(3) for j in range(4))
assert np.abs(np.load("file.npy") - expected).max() < 1e-13
# motion: the points of the segment one by one
t = 7*((np.arange(16*7) + .5)/(16*7) - .5); a = np.deg2rad(25); expected = np.zeros_like(x)
for dy, dx in zip(-t*np.sin(a), t*np.cos(a)):
    r, c = int(np.floor(dy)), int(np.floor(dx)); u, v = dy - r, dx - c
    for i, j, weight in ((r, c, (1-u)*(1-v)), (r, c+1, (1-u)*v), (r+1, c, u*(1-v)), (r+1, c+1, u*v)):
        expected += weight/len(t)*np.roll(x, (i, j), (1, 2))
assert np.abs(np.load("motion.npy") - expected).max() < 1e-13
END
}

@test "operators: bicubic as Pillow resizes float images" {
  needs numpy
  python_has PIL
  tensor convert clean.nst -o x.npy
  measured bicubic:4 clean.nst y.npy
  py - <<'END'
import numpy as np
from PIL import Image
x = np.load("x.npy").astype("f4")
for image, y in zip(x, np.load("y.npy")):
    expected = np.asarray(Image.fromarray(image, "F").resize((12, 16), Image.BICUBIC))
    assert np.abs(expected - y).max() < 1e-6, np.abs(expected - y).max()
END
}

@test "operators: radon as scipy's spline rotates and sums" {
  needs numpy
  python_has scipy
  # Smooth, so that another way of interpolating makes little difference, and within the circle that turning keeps.
  py -c "
import numpy as np
r, c = np.mgrid[:65, :65] - 32.
np.save('x.npy', (np.exp(-((r-6)**2 + (c+9)**2)/50) + .5*np.exp(-((r+8)**2/30 + (c-4)**2/80))))"
  measured radon:6 x.npy y.npy
  py - <<'END'
import numpy as np, scipy.ndimage as ndimage
x, y = np.load("x.npy"), np.load("y.npy")
middle = y.shape[1]//2
for k in range(6):
    # ndimage.rotate turns counter-clockwise on the screen: the direction (cos t, sin t), y down, comes to lie along x.
    turned = ndimage.rotate(x, 30*k, reshape=False, order=3)
    assert np.abs(turned.sum(0) - y[k, middle-32:middle+33]).max() < .01*y.max(), k
END
}

@test "operators: colour images go channel by channel" {
  needs numpy
  py -c "import numpy as np; np.save('x.npy', np.random.default_rng(1).random((2, 3, 24, 36)))"
  py -c "import numpy as np; x = np.load('x.npy'); np.save('grey.npy', x.reshape(6, 24, 36))"
  for operator in motion:7,25 bicubic:4 radon:7 box:1,2,3,4; do
    noise gaussian --sigma 1e-30 --operator "$operator" x.npy -o colour.npy
    noise gaussian --sigma 1e-30 --operator "$operator" grey.npy -o y.npy
    py -c "
import numpy as np
x, y = np.load('colour.npy'), np.load('y.npy')
assert x.ndim == 4 and np.abs(x.reshape(y.shape) - y).max() < 1e-28"
  done
  noise gaussian --sigma 1e-30 --operator mask:0.5 x.npy -o y.npy
  noise gaussian --sigma 1e-30 --operator fourier:0.5 x.npy -o f.npy
  py - <<'END'
import numpy as np
kept = np.load("y.npy") > 1e-20
assert (kept[:, 0] == kept[:, 1]).all() and (kept[:, 0] == kept[:, 2]).all() and .3 < kept.mean() < .7
assert np.load("f.npy").shape == (2, 6, 24, 36)
END
}

@test "operators: a mask from an image file" {
  needs numpy
  noise dead-leaves --height 64 --width 48 --seed 9 -o leaves.png
  py -c "import numpy as np; np.save('mask.npy', (np.arange(64*48).reshape(64, 48) % 5 == 0).astype('u1'))"
  measured mask:mask.npy clean.nst y.npy
  tensor convert --dtype F64 clean.nst -o x.npy
  py -c "
import numpy as np
assert np.abs(np.load('x.npy')*np.load('mask.npy') - np.load('y.npy')).max() < 1e-20"
  noise gaussian --sigma 0.1 --operator mask:mask.npy clean.nst | tensor info | head -n 1 >info
  value noise info | jq -e '.operator[0] | .argument == "mask.npy" and .tensor == "operator.0" and (.content | test("^[0-9a-f]{16}$"))'
  [ "$(value '["operator.0_shape"]' info) $(value '["operator.0_dtype"]' info)" = '[64,48] U8' ]
  noise gaussian --sigma 0.1 --operator mask:leaves.png clean.nst -o out.nst
}

@test "operators: what cannot be done is said in a line, before anything is written" {
  noise dead-leaves --height 5 --width 5 -o small.png
  noise gaussian --sigma 0.1 --operator random:9 clean.nst -o vectors.nst
  for spec in banana:1 mask mask: mask:0 mask:2 box:1,2,3 blur:0 motion:3 downsample:0 downsample:1.5 radon:0 fourier:2 random:x; do
    fails_with 64 noise gaussian --sigma 0.1 --operator "$spec" clean.nst -o out.nst
    grep -q -- "--operator $spec" fails.err
  done
  for spec in downsample:5 bicubic:7 box:60,0,9,9 mask:small.png; do
    fails_with 65 noise gaussian --sigma 0.1 --operator "$spec" clean.nst -o out.nst
    grep -q "$spec" fails.err
  done
  for spec in box:0,0,1,1 blur:1 motion:3,0 downsample:1 bicubic:1 radon:5 fourier:0.5; do
    fails_with 65 noise gaussian --sigma 0.1 --operator "$spec" vectors.nst -o out.nst
    grep -q 'works on images' fails.err
  done
  fails_with 66 noise gaussian --sigma 0.1 --operator mask:nowhere.png clean.nst -o out.nst
  fails_with 66 noise gaussian --sigma 0.1 --operator blur:. clean.nst -o out.nst
  fails_with 65 noise gaussian --sigma 0.1 --operator blur:clean.nst clean.nst -o out.nst
  printf 'P5 3 3 255\n123' >cut.pgm
  fails_with 65 noise gaussian --sigma 0.1 --operator blur:cut.pgm clean.nst -o out.nst
  fails_with 64 noise dead-leaves --operator blur:1
  [ ! -e out.nst ]
  [ ! -e out.nst.partial ]
  noise poisson --peak 10 --operator mask:0.5 --operator random:9 vectors.nst 2>err && return 1
  noise gaussian --sigma 0.1 --operator mask:0.5 --operator random:3 vectors.nst -o fewer.nst
}

@test "operators: help lists each with the form of its argument" {
  noise gaussian --help >help
  for form in mask:P mask:FILE box:TOP,LEFT,HEIGHT,WIDTH blur:SIGMA blur:FILE motion:LENGTH,ANGLE downsample:S bicubic:S \
    radon:ANGLES fourier:RATE random:M; do
    grep -q -- "$form" help
    [[ $(mandoc -T ascii "$BATS_TEST_DIRNAME/../man/noise.1" | sed 's/.\x08//g') == *"${form%%:*}:"* ]]
  done
}

#!/usr/bin/env bats
# File formats against the programs that others read and write them with.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# Writes grey8.pgm, colour8.ppm, grey16.pgm, colour16.ppm and the same samples as .npy, colour ones planar.
make_images() {
  py - <<'END'
import numpy as np
r = np.random.default_rng(1)
for name, channels in (("grey", 1), ("colour", 3)):
    for depth, kind in ((8, "u1"), (16, ">u2")):
        a = r.integers(0, 2**depth, (7, 9, channels))
        a.flat[:2] = 0, 2**depth - 1
        with open(f"{name}{depth}." + ("pgm" if channels == 1 else "ppm"), "wb") as f:
            f.write(b"P%d\n9 7\n%d\n" % (5 if channels == 1 else 6, 2**depth - 1) + a.astype(kind).tobytes())
        np.save(f"{name}{depth}.npy", a[..., 0] if channels == 1 else a.transpose(2, 0, 1))
END
}

# same A.npy B.npy [TOLERANCE]: equal shapes, values within the tolerance (default 0). Noted; same_all looks.
same() { echo "$1 $2 ${3:-0}" >>pairs; }

# reads FILE EXPECTED.npy [TOLERANCE]: the counts in FILE are those expected. Noted; same_all looks.
reads() {
  pair=$((${pair:-0} + 1))
  tensor convert --raw "$1" -o "counts$pair-${1##*/}.npy" && same "counts$pair-${1##*/}.npy" "$2" "${3:-0}"
}

# One Python for all pairs: its start takes longer than a comparison.
same_all() {
  py - <<'END'
import numpy as np
for line in open("pairs"):
    first, second, tolerance = line.split()
    a, b = (np.load(f).astype(float) for f in (first, second))
    assert a.shape == b.shape, (line, a.shape, b.shape)
    assert abs(a - b).max() <= float(tolerance), (line, abs(a - b).max())
END
}

@test "npy: numpy's files of all kinds come back as numpy reads them" {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(2)
n = 0
for kind in "? i1 u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8".split():
    for shape in ((5,), (3, 4), (2, 3, 4), (2, 3, 2, 5)):
        for order in "CF":
            np.save(f"in{n}.npy", np.asarray(r.integers(0, 2 if kind == "?" else 100, shape).astype(kind), order=order))
            n += 1
np.lib.format.write_array(open(f"in{n}.npy", "wb"), r.random((3, 4)), version=(2, 0))
np.lib.format.write_array(open(f"in{n + 1}.npy", "wb"), r.random((3, 4)), version=(3, 0))
END
  for file in in*.npy; do tensor convert "$file" -o "out${file#in}"; done
  py - <<'END'
import glob, numpy as np
files = glob.glob("in*.npy")
assert len(files) == 170
for f in files:
    a, b = np.load(f), np.load("out" + f[2:])
    assert (a == b).all() and a.shape == b.shape and a.dtype.newbyteorder("=") == b.dtype, (f, a.dtype, b.dtype)
END
}

@test "npy: pickles, structures, complex numbers and texts are refused by name" {
  needs numpy
  py - <<'END'
import numpy as np
np.save("object.npy", np.array([{}, None], object), allow_pickle=True)
np.save("complex.npy", np.zeros(2, "c8"))
np.save("text.npy", np.array(["a", "b"]))
np.save("structure.npy", np.zeros(2, "i4,f4"))
np.save("empty.npy", np.zeros((0, 3)))
END
  for word in object complex text structure; do
    fails_with 65 tensor info $word.npy
    grep -q "$word" fails.err
  done
  fails_with 65 tensor info empty.npy
}

@test "pnm: six kinds as netpbm writes them, and ours as netpbm reads them" {
  needs numpy pnmtoplainpnm pamthreshold pamtopnm pgmtopbm pnmfile
  make_images
  for name in grey8.pgm grey16.pgm colour8.ppm colour16.ppm; do
    reads $name ${name%.*}.npy
    pnmtoplainpnm $name >plain
    reads plain ${name%.*}.npy
    tensor convert $name -o again.${name##*.}
    cmp $name again.${name##*.}
  done
  pgmtopbm -threshold -value 0.5 grey8.pgm >bits.pbm
  pnmtoplainpnm bits.pbm >plain.pbm
  py -c 'import numpy as np; np.save("bits.npy", np.load("grey8.npy") >= 127.5)'
  reads bits.pbm bits.npy
  reads plain.pbm bits.npy
  same_all
}

@test "png, tiff, bmp: ImageMagick's files of every kind hold the samples it was given" {
  needs numpy convert
  make_images
  for depth in 8 16; do
    for name in grey$depth.pgm colour$depth.ppm; do
      expected=${name%.*}.npy
      convert $name plain.png && reads plain.png $expected
      convert $name -interlace PNG interlaced.png && reads interlaced.png $expected
      convert $name -compress None -endian MSB out.tif && reads out.tif $expected
      for compression in LZW Zip RLE; do
        convert $name -compress $compression out.tif && reads out.tif $expected
      done
      convert $name -define tiff:tile-geometry=16x16 tiled.tif && reads tiled.tif $expected
      convert $name -interlace plane planes.tif && reads planes.tif $expected
      convert $name tiff64:big.tif && reads big.tif $expected
    done
  done
  convert colour8.ppm BMP3:a.bmp && reads a.bmp colour8.npy
  convert colour8.ppm b.bmp && reads b.bmp colour8.npy
  # Making a palette moves colours a little: what counts is what ImageMagick finds in the file.
  convert colour8.ppm -type palette PNG8:palette.png
  convert colour8.ppm -type palette -compress None BMP3:palette.bmp
  convert colour8.ppm -colors 11 PNG8:few.png
  convert colour8.ppm -colors 11 -type palette palette.tif
  for name in palette.png palette.bmp few.png palette.tif; do
    convert $name -depth 16 $name.ppm
    tensor convert $name.ppm -o $name.theirs.npy
    tensor convert $name -o $name.ours.npy
    same $name.ours.npy $name.theirs.npy
  done
  convert grey8.pgm -type palette -compress None BMP3:grey.bmp
  convert grey.bmp grey-again.pgm
  tensor convert --raw grey-again.pgm -o grey-again.npy
  reads grey.bmp grey-again.npy
  same_all
}

@test "png, tiff, pgm, ppm: ImageMagick reads the samples that we write" {
  needs numpy convert
  make_images
  for name in grey8.pgm grey16.pgm colour8.ppm colour16.ppm; do
    for suffix in png tif; do
      tensor convert $name -o ours.$suffix
      convert ours.$suffix back.${name##*.}
      reads back.${name##*.} ${name%.*}.npy
    done
  done
  same_all
}

@test "jpeg: decoded and encoded within few levels of ImageMagick" {
  needs numpy convert
  convert -size 64x48 plasma:tomato-steelblue -blur 0x2 -depth 8 smooth.ppm
  tensor convert --raw smooth.ppm -o smooth.npy
  pair=0
  for options in '' '-interlace JPEG' '-colorspace gray'; do
    # shellcheck disable=SC2086
    convert smooth.ppm $options -sampling-factor 4:4:4 -quality 95 theirs.jpg
    convert theirs.jpg theirs.pnm
    pair=$((pair + 1))
    tensor convert --raw theirs.pnm -o theirs$pair.npy
    reads theirs.jpg theirs$pair.npy 3
  done
  tensor convert smooth.ppm -o ours.jpg
  reads ours.jpg smooth.npy 12
  convert ours.jpg back.ppm
  reads back.ppm smooth.npy 12
  same_all
}

@test "pfm: numpy reads what we write" {
  needs numpy
  make_images
  tensor convert --scale 0.1 colour16.npy --axes CHW -o out.pfm
  py - <<'END'
import numpy as np
kind, size, scale, data = open("out.pfm", "rb").read().split(b"\n", 3)
assert (kind, size, scale) == (b"PF", b"9 7", b"-1.0")
image = np.frombuffer(data, "<f4").reshape(7, 9, 3)[::-1].transpose(2, 0, 1)
assert (image == (np.load("colour16.npy") * 0.1).astype("f4")).all()
END
}

@test "alpha is refused unless dropped; CMYK, palettes with alpha and GIF are refused" {
  needs numpy convert
  make_images
  convert colour8.ppm -alpha on -channel A -evaluate set 50% +channel alpha.png
  convert alpha.png alpha.tif
  convert alpha.png alpha.bmp
  for name in alpha.png alpha.tif alpha.bmp; do
    fails_with 65 tensor info $name
    grep -q 'drop-alpha' fails.err
    tensor convert --raw --drop-alpha $name -o $name.npy
    same $name.npy colour8.npy
  done
  convert colour8.ppm -colorspace CMYK cmyk.jpg
  convert colour8.ppm -colorspace CMYK cmyk.tif
  for name in cmyk.jpg cmyk.tif; do
    fails_with 65 tensor info $name
    grep -q CMYK fails.err
  done
  convert colour8.ppm x.gif
  fails_with 65 tensor info x.gif
  same_all
}

@test "a suffix does not matter when reading" {
  needs numpy
  make_images
  cp grey8.pgm looks-like.png
  reads looks-like.png grey8.npy
  same_all
}

@test "--bits, --raw and --depth" {
  needs numpy
  printf 'P2 3 1 65535 0 2048 4095 \n' >sensor.pgm
  tensor convert --bits 12 sensor.pgm -o values.npy
  py -c 'import numpy as np; assert (np.load("values.npy") == (np.array([[0, 2048, 4095]]) / 4095).astype("f4")).all()'
  fails_with 65 tensor info --bits 11 sensor.pgm
  tensor convert --bits 12 sensor.pgm -o back.pgm
  tensor convert --raw back.pgm -o back.npy
  py -c 'import numpy as np; assert np.load("back.npy").tolist() == [[0, 2048, 4095]]'
  tensor convert --bits 12 --depth 8 sensor.pgm -o eight.pgm
  tensor convert --raw eight.pgm -o eight.npy
  py -c 'import numpy as np; assert np.load("eight.npy").tolist() == [[0, 128, 255]]'
}

@test "a damaged image leaves no output" {
  needs numpy
  make_images
  tensor convert colour8.ppm -o whole.png
  head -c 100 whole.png >cut.png
  fails_with 65 tensor convert cut.png -o out.npy
  [ ! -e out.npy ]
  [ ! -e out.npy.partial ]
  printf 'P5\n2000000000 2000000000\n65535\n' >liar.pgm
  fails_with 65 tensor convert liar.pgm -o out.npy
}

@test "a full disk is noticed by every format" {
  [ -c /dev/full ] || skip "no /dev/full"
  needs numpy
  make_images
  for suffix in npy png jpg tif pgm pfm; do
    ln -sf /dev/full out.$suffix
    fails_with 74 tensor convert grey8.pgm -o out.$suffix
  done
}

@test "real 16-bit PNG and TIFF: the samples that ImageMagick sees" {
  needs_shared micro16_dev
  needs numpy convert
  for file in "$SHARED"/micro16_dev/bacteria_noisy16.png "$SHARED"/micro16_dev/n2v_FA_0488_Evolve.tiff; do
    name=${file##*/}
    convert "${file}[0]" -depth 16 -endian LSB gray:theirs.raw
    tensor convert --raw "$file" -o "$name.npy"
    py -c 'import numpy as np; np.save("theirs.npy", np.fromfile("theirs.raw", "<u2").reshape(512, 512))'
    mv theirs.npy "$name.theirs.npy"
    same "$name.npy" "$name.theirs.npy"
  done
  # A float volume of three big-endian pages.
  tensor convert --stack "$SHARED"/micro16_dev/3D_volume_gt_stack1_32bit.tif -o volume.npy
  py -c 'import numpy as np; a = np.load("volume.npy"); assert a.shape == (3, 512, 512) and a.dtype == "f4" and a.max() == 229'
  same_all
}

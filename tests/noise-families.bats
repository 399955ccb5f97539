#!/usr/bin/env bats
# The noise families: what holds of each of them, and what is particular to one.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  # Larger than one piece of work: 3 samples of 3 x 100 x 120.
  for i in 0 1 2; do
    noise dead-leaves -n 3 --seed "$i" --height 100 --width 120 -o "$i.npy"
    tensor convert --axes CHW "$i.npy" -o "$i.nst"
  done
  tensor cat --restream [012].nst >clean.nst
  noise dead-leaves --height 100 --width 120 --seed 9 -o map.npy
  noise dead-leaves --height 5 --width 3 --seed 9 -o kernel.npy
  # A row of increasing values.
  printf 'P5 4 1 255\n\1\100\200\377' >curve.pgm
  tensor convert curve.pgm -o curve.npy
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  clean=$BATS_FILE_TMPDIR/clean.nst map=$BATS_FILE_TMPDIR/map.npy kernel=$BATS_FILE_TMPDIR/kernel.npy curve=$BATS_FILE_TMPDIR/curve.npy
}

# families: the words of noise that take clean samples.
families() {
  local word
  for word in $(noise --help | sed -nE '/^Each /,/^$/ s/^  ([a-z0-9-]+) .*/\1/p'); do
    if noise "$word" --help | grep -q -e --copies; then echo "$word"; fi
  done
}

# calls FAMILY: ways to call it, one a line; a family that is not here fails the tests below.
calls() {
  case $1 in
    gaussian)
      echo "--sigma 0.1"
      echo "--sigma 0.1:0.3"
      echo "--sigma-map $map"
      echo "--sigma 0.1 --map $map"
      ;;
    poisson) echo "--peak 30" ;;
    gamma) echo "--looks 3" ;;
    poisson-gaussian) echo "--gain 0.01 --read 0.1" ;;
    uniform)
      echo "--width 1"
      echo "--width 1 --map $map"
      ;;
    laplace)
      echo "--sigma 0.1"
      echo "--sigma 0.1:0.2 --map $map"
      ;;
    tweedie)
      for power in 0 1 1.5 2 3; do echo "--power $power --dispersion 0.1"; done
      echo "--power 1.3 --dispersion 0.01:0.2"
      ;;
    rician) echo "--sigma 0.1:0.3" ;;
    salt-pepper) echo "--amount 0.1:0.3 --salt 0.4 --low -1" ;;
    correlated)
      echo "--sigma 0.1:0.2 --kernel $kernel"
      echo "--sigma 0.1 --psd $map --map $map"
      ;;
    raw)
      echo "--camera SonyA7S2"
      echo "--camera NikonD850 --ratio 100 --system-gain 1:2"
      ;;
    diffuse) echo "--schedule vp --t 0.1:0.4 --rescale" ;;
    isp)
      echo "--pattern gbrg"
      echo "--sigma-s 0.1 --law square --crf $curve --jpeg 90"
      ;;
    row-column) echo "--row 0.1:0.2 --column 0.05" ;;
    *)
      echo "no call of noise $1 in this file" >&2
      return 1
      ;;
  esac
}

# for_each_call FUNCTION: with $family and the array $call.
for_each_call() {
  local line lines
  for family in $(families); do
    lines=$(calls "$family")
    while read -r line; do
      read -ra call <<<"$family $line"
      "$1"
    done <<<"$lines"
  done
}

@test "noise families: the same bytes from 1 and from 3 threads; copies differ in their noise, not in their law" {
  check() {
    noise "${call[@]}" --copies 2 --threads 1 "$clean" >one.nst
    noise "${call[@]}" --copies 2 --threads 3 "$clean" >three.nst
    cmp one.nst three.nst
    tensor info one.nst >two
    [ -z "$(jq 'select(.data_mean == .["reference.1_mean"])' two)" ]
    cmp <(jq -c .noise two) <(noise "${call[@]}" "$clean" | tensor info | jq -c .noise)
  }
  for_each_call check
}

@test "noise families: a whole set, its parts and a batch give the same bytes" {
  check() {
    noise "${call[@]}" "$clean" >whole.nst
    for i in 0 1 2; do noise "${call[@]}" --first-index "$i" "$BATS_FILE_TMPDIR/$i.nst" >"$i.nst"; done
    tensor cat --restream [012].nst >joined.nst
    cmp whole.nst joined.nst
    tensor stack "$clean" | noise "${call[@]}" >batch.nst
    cmp <(tensor convert batch.nst -o batch.npy && cat batch.npy) <(tensor convert whole.nst -o whole.npy && cat whole.npy)
    cmp <(tensor split batch.nst | tensor info | jq -c .noise) <(tensor info whole.nst | jq -c .noise)
  }
  for_each_call check
}

# Reads noisy.safetensors: get(NAME), law of each sample; $1 is the rest of the program.
with_noisy() {
  py - <<PYTHON
import json, numpy as np
raw = open("noisy.safetensors", "rb").read()
n = int.from_bytes(raw[:8], "little"); header = json.loads(raw[8:8+n]); body = raw[8+n:]
def get(name):
    entry = header[name]
    dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
    return np.frombuffer(body[slice(*entry["data_offsets"])], dtype).reshape(entry["shape"]).astype(float)
laws = json.loads(header["__metadata__"]["noise"])
noise = get("data") - get("clean")
$1
PYTHON
}

@test "noise gaussian: A:B draws one sigma a sample, which the metadata names" {
  needs numpy
  noise gaussian --sigma 0.1:0.4 --seed 3 -k "$clean" -o noisy.safetensors
  with_noisy '
laws = [json.loads(text) for text in laws]
assert len(laws) == 3 and len({law["sigma"] for law in laws}) == 3
for law, n in zip(laws, noise):
    assert .1 <= law["sigma"] <= .4
    assert abs(n.std()/law["sigma"] - 1) < 4.5/np.sqrt(2*n.size)'
  noise gaussian --sigma 0.2:0.2 "$clean" | tensor convert -o range.npy
  noise gaussian --sigma 0.2 "$clean" | tensor convert -o number.npy
  cmp range.npy number.npy
}

@test "noise gaussian: a map scales the noise of every channel, and travels with the sample" {
  needs numpy
  py -c "import numpy as np; m = np.zeros((100, 120)); m[:50] = .2; m[:, 60:] += .3; np.save('map.npy', m)"
  noise gaussian --sigma-map map.npy -k "$clean" -o noisy.safetensors
  with_noisy '
m = np.load("map.npy")
for value in (0, .2, .3, .5):
    part = noise[:, :, m == value]
    assert abs(part.std() - value) <= 4.5*value/np.sqrt(2*part.size), value
assert (get("noise.sigma-map") == m).all() and header["noise.sigma-map"]["shape"] == [3, 100, 120]
law = laws["sigma-map"]
assert law["file"] == "map.npy" and law["tensor"] == "noise.sigma-map"
assert abs(law["rms"] - np.sqrt((m**2).mean())) < 1e-12'
  noise gaussian --sigma 0.5 --map map.npy "$clean" | noise uniform --width 1 --map map.npy | tensor info >info
  [ "$(jq -r 'has("noise.map_mean") and has("noise.map.1_mean")' info | sort -u)" = true ]
}

@test "noise: maps and ranges that do not fit are refused" {
  fails_with 64 noise gaussian --sigma 0.4:0.1 "$clean"
  fails_with 64 noise gaussian --sigma 0:0.1 "$clean"
  fails_with 64 noise gaussian --sigma 0.1:nan "$clean"
  fails_with 64 noise gaussian --sigma 1 --sigma-map "$map" "$clean"
  fails_with 64 noise gaussian --sigma-map "$map" --map "$map" "$clean"
  fails_with 66 noise gaussian --sigma-map absent.npy "$clean"
  noise dead-leaves --height 120 --width 100 -o turned.npy
  fails_with 65 noise gaussian --sigma-map turned.npy "$clean"
  fails_with 65 noise gaussian --sigma-map "$clean" "$clean"
  noise gaussian --sigma 1 "$map" -o negative.npy
  fails_with 65 noise gaussian --sigma-map negative.npy "$clean"
}

@test "noise: values outside of a family's domain and parameters outside of its range are refused" {
  noise gaussian --sigma 1 "$clean" -o negative.nst
  for call in "poisson --peak 10" "gamma --looks 3" "poisson-gaussian --gain 1 --read 1" "rician --sigma 1" \
    "tweedie --power 1.5 --dispersion 1" "tweedie --power 3 --dispersion 1"; do
    # shellcheck disable=SC2086
    fails_with 65 noise $call negative.nst
  done
  for call in "poisson" "poisson --peak 1 --zeta 1" "gamma --looks 0" "poisson-gaussian --gain 1" "rician --sigma 0" \
    "tweedie --power 0.5 --dispersion 1" "tweedie --power 2.5 --dispersion 1" "tweedie --power 1.5" \
    "tweedie --power 4 --dispersion 1" "laplace --sigma -1" "salt-pepper --amount 1.5" "salt-pepper --amount 0" \
    "salt-pepper --amount 0.1 --low 2" "correlated --sigma 1" "row-column" "row-column --row -1" \
    "raw" "raw --camera Leica" "raw --camera Canon70D --ratio 0.5" \
    "correlated --sigma 1 --shared 2" "correlated --sigma 1 --kernel $kernel --psd $map"; do
    # shellcheck disable=SC2086
    fails_with 64 noise $call "$clean"
  done
}

@test "denoise: a family without a level is refused by name, unless --sigma gives one" {
  noise gaussian --sigma 0.1 "$map" | train-linear gaussian --patch 3 -o model.safetensors
  noise rician --sigma 0.1 "$map" -o rician.nst
  fails_with 65 denoise --model model.safetensors rician.nst >said
  grep -q rician said
  denoise --model model.safetensors --sigma 0.1 rician.nst | tensor check
}

@test "noise correlated: --shared gives frames a common part" {
  needs numpy
  tensor stack "$map" "$map" "$map" | tensor convert -o still.npy
  noise correlated --sigma 0.2 --shared 0.25 --kernel "$kernel" --axes THW -k still.npy -o noisy.safetensors
  with_noisy '
k = np.load("'"$kernel"'").astype(float)
assert laws["shared"] == .25 and (get("noise.kernel") == k).all()
# The sum of squared correlations of neighbours says how many of the pixels count.
spread = np.abs(np.fft.fft2(k, (32, 32)))**2
spread = (np.fft.ifft2(spread).real/(k**2).sum()); many = noise[0].size/(spread**2).sum()
for a, b in ((0, 1), (0, 2), (1, 2)):
    assert abs((noise[a]*noise[b]).mean()/.04 - .25) < 4.5*np.sqrt(1.1/many)
assert abs((noise**2).mean()/.04 - 1) < 4.5*np.sqrt(2/many)'
  fails_with 65 noise correlated --sigma 1 --shared 0.5 "$map"
  fails_with 65 noise correlated --sigma 1 --psd "$kernel" "$map"
  fails_with 65 noise row-column --row 1 --axes WH "$map"
}

@test "noise isp: without noise, curve and mosaic its JPEG is that of a file" {
  needs numpy
  noise dead-leaves --height 40 --width 30 -o photo.png
  noise isp --sigma-s 0 --sigma-c 0 --gamma 1 --pattern none --jpeg 95 photo.png -o there.npy
  tensor convert photo.png -o file.jpg
  tensor convert file.jpg -o back.npy
  # The file of a grey image holds three equal channels.
  py -c "import numpy as np; a, b = np.load('there.npy'), np.load('back.npy'); assert (a == b).all() and b.shape == (3, 40, 30)"
  fails_with 64 noise isp --jpeg 0 photo.png
  fails_with 64 noise isp --law cubic photo.png
  fails_with 65 noise isp --crf "$map" photo.png
  fails_with 65 noise isp --axes WH "$map"
  py -c "import numpy as np; np.save('counts.npy', np.arange(12).reshape(3, 4)); np.save('line.npy', np.arange(12))"
  fails_with 65 noise isp counts.npy | grep 'data is 2 at element 2; this noise is defined for values 0 to 1'
  fails_with 65 noise raw --camera Canon5D4 line.npy | grep HW
}

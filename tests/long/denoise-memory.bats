#!/usr/bin/env bats
# How much memory denoise takes beyond the pages of the files that it reads.
load ../helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 2 --height 64 --width 64 -o leaves.nst
}

# zeros FILE AXES SHAPE ELEMENTS: a record of zeros that takes no room on the disk.
zeros() {
  local header
  header="{\"__metadata__\":{\"axes\":\"$2\"},\"data\":{\"dtype\":\"F32\",\"shape\":[$3],\"data_offsets\":[0,$(($4 * 4))]}}"
  { printf '\x78\0\0\0\0\0\0\0' && printf '%-120s' "$header"; } >"$1"
  truncate -s $((128 + $4 * 4)) "$1"
}

@test "denoise: 100 megapixels, grey, wide and colour, take less than 512 MiB beyond file pages" {
  train-linear gaussian --patch 8 leaves.nst -o grey.safetensors
  zeros square.nst HW 10000,10000 100000000
  anonymous_peak denoise --model grey.safetensors --sigma 0.1 square.nst
  [ "$PEAK" -lt 512 ]
  zeros wide.nst HW 8,12500000 100000000
  anonymous_peak denoise --model grey.safetensors --sigma 0.1 wide.nst
  [ "$PEAK" -lt 512 ]
  needs numpy
  py -c "import numpy as np; np.save('rgb.npy', np.random.default_rng(0).random((2, 3, 40, 40), 'f4'))"
  train-linear gaussian --patch 8 rgb.npy -o rgb.safetensors
  zeros colour.nst CHW 3,6000,6000 108000000
  anonymous_peak denoise --model rgb.safetensors --sigma 0.1 colour.nst
  [ "$PEAK" -lt 512 ]
}

@test "denoise: a band of a large image is what it is in a small one" {
  needs numpy
  train-linear gaussian --patch 8 leaves.nst -o grey.safetensors
  noise dead-leaves --height 3000 --width 300 | noise gaussian --sigma 0.1 -o tall.npy
  denoise --model grey.safetensors --sigma 0.1 tall.npy -o whole.npy
  py -c "import numpy as np; np.save('part.npy', np.load('tall.npy').reshape(3000, 300)[1700:1800])"
  denoise --model grey.safetensors --sigma 0.1 part.npy -o d.npy
  py -c "
import numpy as np
whole, part = np.load('whole.npy').reshape(3000, 300)[1707:1793], np.load('d.npy').reshape(100, 300)[7:93]
assert (whole == part).all()"
}

#!/usr/bin/env bats
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 5 --height 16 --width 12 --seed 1 -o five.nst
}

@test "tensor cat: the same bytes, from file and pipe" {
  tensor cat five.nst >again.nst
  cmp five.nst again.nst
  cat five.nst | tensor cat | tensor cat -o third.nst
  cmp five.nst third.nst
}

@test "tensor head, tail, slice: together the whole" {
  tensor head -n 2 five.nst >a
  tensor slice --from 2 --to 3 five.nst >b
  tensor tail -n 2 five.nst >c
  tensor cat --restream a b c >whole
  cmp five.nst whole
  tensor stack five.nst | tensor slice --from 1 --to 4 | tensor info >info
  [ "$(value samples info)" = 3 ]
  [ "$(value data_shape info)" = '[3,16,12]' ]
  fails_with 65 tensor slice --from 9 five.nst
}

@test "tensor split then stack is the identity" {
  tensor stack five.nst >batch
  tensor split batch | tensor stack >again
  cmp batch again
  tensor split -n 2 five.nst -o part-%d.nst
  [ -e part-2.nst ]
  [ ! -e part-3.nst ]
  tensor cat --restream part-0.nst part-1.nst part-2.nst | tensor stack >again
  cmp batch again
}

@test "tensor cat: two segments on one pipe, a dead upstream is noticed" {
  cat five.nst five.nst | tensor check >count
  [ "$(value samples count)" = 10 ]
  size=$(stat -c %s five.nst)
  head -c $((size / 5 * 4)) five.nst >cut.nst
  fails_with 65 tensor check cut.nst
}

@test "tensor convert: one .safetensors file stacks, and comes apart again" {
  tensor convert five.nst -o all.safetensors
  tensor info all.safetensors >info
  [ "$(value data_shape info)" = '[5,16,12]' ]
  [ "$(value axes info)" = NHW ]
  [ "$(value id info)" = '["0","1","2","3","4"]' ]
  tensor convert all.safetensors -o a.npy
  tensor convert five.nst -o b.npy
  cmp a.npy b.npy
}

@test "tensor convert: numpy reads what we write, we read what numpy writes" {
  needs numpy
  tensor convert five.nst -o five.npy
  py -c "
import numpy as np
x = np.load('five.npy'); assert x.shape == (5, 16, 12) and x.dtype == 'f4'
np.save('fortran.npy', np.asfortranarray(x)); np.save('big.npy', x.astype('>f8'))"
  tensor convert fortran.npy -o again.npy
  cmp five.npy again.npy
  tensor convert --dtype F32 big.npy -o again.npy
  cmp five.npy again.npy
}

@test "tensor convert: patterns write one file a sample; one name holds one image" {
  tensor convert five.nst -o image-%02d.png
  [ -e image-04.png ]
  [ ! -e image-05.png ]
  fails_with 65 tensor convert five.nst -o image.png
  [ ! -e image.png ]
  [ ! -e image.png.partial ]
  fails_with 64 tensor convert five.nst -o image.xyz
  fails_with 64 tensor convert five.nst -o %s.png
  fails_with 73 tensor convert five.nst -o no/such/folder.nst
  mkdir folder.nst
  fails_with 73 tensor convert five.nst -o folder.nst
}

@test "python example: reads and writes streams, both ways" {
  needs numpy
  example=$BATS_TEST_DIRNAME/../scripts/examples/noiseutils_stream.py
  tensor cat five.nst | py "$example" | tensor convert -o double.npy
  tensor convert --scale 2 five.nst -o expected.npy
  cmp double.npy expected.npy
  head -c 1000 five.nst >cut
  run py "$example" <cut
  [ "$status" -ne 0 ]
}

@test "safetensors: what the format's own description says, read back by numpy alone" {
  needs numpy
  tensor head five.nst >one.safetensors
  py -c "
import json, numpy as np
raw = open('one.safetensors', 'rb').read()
n = int.from_bytes(raw[:8], 'little'); h = json.loads(raw[8:8+n])
assert (8 + n) % 64 == 0 and raw[8:9] == b'{'
assert h['data']['dtype'] == 'F32' and len(raw) == 8 + n + h['data']['data_offsets'][1]
assert all(isinstance(v, str) for v in h['__metadata__'].values())"
}

@test "a record above 4 GiB: read from a sparse file" {
  py - <<'END'
import json
n = 1_200_000_000
h = json.dumps({"data": {"dtype": "F32", "shape": [n], "data_offsets": [0, 4*n]}}).encode()
h += b" " * (-(8 + len(h)) % 64)
with open("big.safetensors", "wb") as f:
    f.write(len(h).to_bytes(8, "little") + h); f.truncate(8 + len(h) + 4*n)
END
  tensor check big.safetensors >count
  [ "$(value bytes count)" = 4800000000 ]
}

@test "resume: an interrupted file goes on after its last whole record" {
  noise gaussian --sigma 0.5 five.nst -o whole.nst
  size=$(stat -c %s whole.nst)
  head -c $((size / 2)) whole.nst >cut.nst.partial
  noise gaussian --sigma 0.5 five.nst -o cut.nst --resume
  cmp whole.nst cut.nst
  head -c $((size / 2)) whole.nst >cut.nst.partial
  fails_with 65 noise gaussian --sigma 0.4 five.nst -o cut.nst --resume
}

@test "restream: parts joined are the whole, from TIFF pages, from NPY batches, from a slice" {
  tensor head -n 3 five.nst | tensor convert -o a.tif
  tensor tail -n 2 five.nst | tensor convert -o b.tif
  tensor convert a.tif -o a.npy
  tensor convert b.tif -o b.npy
  for suffix in tif npy; do
    noise gaussian --sigma 0.1 a.$suffix b.$suffix -o whole.nst
    noise gaussian --sigma 0.1 a.$suffix -o part-0.nst
    noise gaussian --sigma 0.1 --first-index 3 b.$suffix -o part-1.nst
    tensor cat --restream part-0.nst part-1.nst | cmp - whole.nst
  done
  tensor head -n 4 five.nst | noise gaussian --sigma 0.1 -o whole.nst
  tensor slice --to 1 five.nst | noise gaussian --sigma 0.1 -o part-0.nst
  tensor slice --from 1 --to 4 five.nst | noise gaussian --sigma 0.1 --first-index 1 -o part-1.nst
  tensor cat --restream part-0.nst part-1.nst | cmp - whole.nst
}

@test "a batch of many samples that differ in metadata: each list is parsed once" {
  # Parsed anew for each sample, this would take many minutes.
  noise dead-leaves -n 20000 --height 1 --width 2 --rmax 2 -o many.safetensors
  tensor split many.safetensors | tensor cat -o split.nst
  tensor convert split.nst -o again.safetensors
  cmp many.safetensors again.safetensors
}

@test "axes that do not fit are refused" {
  fails_with 65 tensor cat --axes NCHW five.nst -o bad.nst
  grep -q 'axes "NCHW" name 4 axes' fails.err
  fails_with 65 tensor check --axes XX five.nst
  [ ! -e bad.nst ]
}

@test "split: numbers of a fixed width" {
  tensor split -n 2 five.nst -o part-%03d.nst
  tensor cat --restream part-000.nst part-001.nst part-002.nst | cmp - <(tensor cat --restream five.nst)
}

@test "montage: sizes, gaps and colour" {
  tensor montage --columns 5 --gap 2 five.nst -o row.pgm
  [ "$(head -c 10 row.pgm | tr '\n' ' ' | cut -d' ' -f 2,3)" = "68 16" ]
}

@test "tensor count: samples of each file by its headers alone; a pipe and what is no data are refused" {
  cd "$BATS_TEST_TMPDIR"
  noise dead-leaves -n 5 --height 8 --width 6 -o five.npy
  noise dead-leaves -n 3 --height 8 --width 6 -o three.nst
  tensor slice --to 2 three.nst -o two.safetensors
  noise dead-leaves -n 4 --height 8 --width 6 -o four.tif
  noise dead-leaves -n 1 --height 8 --width 6 -o one.png
  tensor count five.npy three.nst two.safetensors four.tif one.png >counts
  [ "$(jq -r '"\(.samples) \(.file)"' counts | tr '\n' ' ')" = "5 five.npy 3 three.nst 2 two.safetensors 4 four.tif 1 one.png " ]
  [ "$(tensor count --axes CHW five.npy | jq .samples)" -eq 1 ]
  # The pixels are not looked at.
  head -c 60 one.png >cut.png
  [ "$(tensor count cut.png | jq .samples)" -eq 1 ]
  fails_with 64 tensor count
  fails_with 66 tensor count nothing.npy
  fails_with 66 tensor count -
  echo no data >words
  fails_with 65 tensor count words
  truncate -s -7 three.nst
  fails_with 65 tensor count three.nst
}

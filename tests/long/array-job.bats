#!/usr/bin/env bats
# A job array: four tasks at once, each with its share of the files, give what one run gives.
load ../helpers

@test "array job: noise, train-linear --state and merge, denoise and metric in four tasks at once equal the single run" {
  needs numpy jq
  cd "$BATS_TEST_TMPDIR"
  mkdir photos
  # Blocks of statistics are cut at every 256th sample: shares of 150 have ragged edges on both sides.
  noise dead-leaves -n 600 --height 24 --width 24 --rmin 2 -o photos/%03d.nst
  ls photos/*.nst >files

  xargs noise gaussian --sigma 0.1 --seed 5 -k -o segments.nst <files
  tensor cat --restream segments.nst -o whole.nst
  tensor convert --dtype F64 whole.nst -o double.nst
  train-linear gaussian double.nst -o whole.safetensors
  denoise --model whole.safetensors whole.nst -o whole-denoised.nst
  metric mse psnr ssim whole-denoised.nst -o whole.json

  task() {
    set -euo pipefail
    local first=$((150 * $1)) share
    mapfile -t share < <(sed -n "$((first + 1)),$((first + 150))p" files)
    noise gaussian --sigma 0.1 --seed 5 -k --first-index $first "${share[@]}" -o "noisy-$1.nst"
    tensor convert --dtype F64 "noisy-$1.nst" |
      train-linear gaussian --first-index $first --state "state-$1.safetensors"
    denoise --model whole.safetensors --first-index $first "noisy-$1.nst" -o "denoised-$1.nst"
    metric mse psnr ssim --first-index $first "denoised-$1.nst" -o "rows-$1.json"
  }
  jobs=()
  for k in 0 1 2 3; do
    task $k &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job"; done

  tensor cat --restream noisy-?.nst | cmp - whole.nst
  tensor cat --restream denoised-?.nst | cmp - whole-denoised.nst
  cat rows-?.json | cmp - whole.json
  # In any order.
  train-linear merge state-2.safetensors state-0.safetensors state-3.safetensors state-1.safetensors -o merged.safetensors
  py - <<'END'
import json, numpy as np
def tensors(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little"); header = json.loads(raw[8:8+n]); header.pop("__metadata__")
    types = {"F64": "<f8", "F32": "<f4"}
    return {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], types[v["dtype"]]).reshape(v["shape"]) for k, v in header.items()}
one, parts = tensors("whole.safetensors"), tensors("merged.safetensors")
assert one.keys() == parts.keys()
# Vectors of nearly equal eigenvalues may turn, so covariances are compared: of 576 dimensions, their vectors in double.
assert one["eigenvectors"].dtype == np.float64
covariance = lambda t: (t["eigenvectors"].T * t["eigenvalues"]) @ t["eigenvectors"]
for a, b in (one["mean"], parts["mean"]), (covariance(one), covariance(parts)):
    assert a.shape == b.shape and abs(a - b).max() <= 1e-12 * abs(a).max()
END
}

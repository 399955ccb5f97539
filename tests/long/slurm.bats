#!/usr/bin/env bats
# scripts/slurm under a real Slurm of one node, started here: arrays, merges and requeues give what one run gives.
load ../helpers
load ../slurm

setup_file() {
  # shellcheck disable=SC2034
  BATS_NO_PARALLELIZE_WITHIN_FILE=true
  slurm_start 4
}

teardown_file() { slurm_stop; }

setup() {
  submit=$(cd "$BATS_TEST_DIRNAME/../../scripts/slurm" && pwd)/submit-train
  cd "$BATS_TEST_TMPDIR"
}

# bounded SECONDS COMMAND...: what waits for a job must not wait for ever.
bounded() { timeout -k 5 "$@" || { tail -n 5 ./*.slurm/*.log "$SLURM_HOME"/log/* >&2; return 1; }; }

# same_moments A B: two gaussian models agree to 1e-12 of their moments (Frobenius norm).
same_moments() {
  py - "$1" "$2" <<'PY'
import json, sys, numpy as np
def tensors(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little"); header = json.loads(raw[8:8+n]); header.pop("__metadata__")
    types = {"F64": "<f8", "F32": "<f4"}
    return {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], types[v["dtype"]]).reshape(v["shape"]) for k, v in header.items()}
one, parts = map(tensors, sys.argv[1:])
assert one["eigenvectors"].dtype == np.float64
covariance = lambda t: (t["eigenvectors"].T * t["eigenvalues"]) @ t["eigenvectors"]
for a, b in (one["mean"], parts["mean"]), (covariance(one), covariance(parts)):
    assert np.linalg.norm(a - b) <= 1e-12 * np.linalg.norm(a), np.linalg.norm(a - b) / np.linalg.norm(a)
PY
}

@test "slurm: an array of four and its merge give the model of the single run" {
  needs numpy
  # Files of 130, 1, ... samples: blocks of 256 are split between shards.
  noise dead-leaves -n 700 --height 8 --width 8 --rmin 2 -o all.nst
  tensor convert --dtype F64 all.nst -o all.safetensors
  first=0
  for count in 130 1 200 69 100 200; do
    tensor slice --from $first --to $((first + count)) all.safetensors -o "part $first.npy"
    first=$((first + count))
  done
  train-linear gaussian --shrink none part\ 0.npy part\ 130.npy part\ 131.npy part\ 331.npy part\ 400.npy part\ 500.npy -o whole.safetensors
  bounded 100 "$submit" --wait --keep --shards 4 -o merged.safetensors gaussian --shrink none -- \
    part\ 0.npy part\ 130.npy part\ 131.npy part\ 331.npy part\ 400.npy part\ 500.npy >jobs
  [ "$(cut -d= -f1 jobs | tr '\n' ' ')" = "array_0 merge_0 " ]
  # Each task has its first index: 700 samples in four parts, cut where files end.
  [ "$(cat merged.safetensors.slurm/first-{0,1,2,3} | tr '\n' ' ')" = "0 331 400 500 " ]
  same_moments whole.safetensors merged.safetensors
}

@test "slurm: the folder goes with the last merge; a failing task fails the chain, and says why" {
  noise dead-leaves -n 4 --height 8 --width 8 -o leaf-%d.npy
  bounded 100 "$submit" --wait --shards 2 -o model.safetensors gaussian -- leaf-*.npy >/dev/null
  [ -s model.safetensors ]
  [ ! -e model.safetensors.slurm ]
  noise dead-leaves -n 1 --height 9 --width 8 -o other.npy
  run bounded 100 "$submit" --wait --shards 2 -o bad.safetensors gaussian -- leaf-*.npy other.npy
  [ ! -e bad.safetensors ]
  [[ $output == *"submit-train: task-0-1.log: train-linear: "*"[9,8]"* ]]
}

@test "slurm: passes of a mixture's EM are an array each, and end where one process ends" {
  needs numpy
  noise dead-leaves -n 60 --height 24 --width 24 --rmin 2 -o all.nst
  tensor convert --dtype F64 all.nst -o leaf-%02d.npy
  options=(--patch 4 --components 4 --rank 3 --size-sample 2000 --seed 3)
  train-linear mixture "${options[@]}" leaf-*.npy -o start.safetensors
  train-linear mixture --patch 4 --seed 3 --start start.safetensors --iterations 1 leaf-*.npy -o next.safetensors
  train-linear mixture --patch 4 --seed 3 --start next.safetensors --iterations 1 leaf-*.npy -o whole.safetensors
  bounded 150 "$submit" --wait --shards 3 -o chain.safetensors mixture "${options[@]}" --passes=2 -- leaf-*.npy >jobs
  [ "$(cut -d= -f1 jobs | tr '\n' ' ')" = "array_0 merge_0 array_1 merge_1 array_2 merge_2 " ]
  # From a model that is there.
  bounded 150 "$submit" --wait --shards 3 -o again.safetensors mixture --patch 4 --seed 3 --start start.safetensors \
    --iterations 2 -- leaf-*.npy >jobs
  [ "$(cut -d= -f1 jobs | tr '\n' ' ')" = "array_1 merge_1 array_2 merge_2 " ]
  py - whole.safetensors chain.safetensors again.safetensors <<'PY'
import json, sys, numpy as np
def tensors(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little"); header = json.loads(raw[8:8+n]); header.pop("__metadata__")
    types = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
    return {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], types[v["dtype"]]).reshape(v["shape"]) for k, v in header.items()}
whole, *others = map(tensors, sys.argv[1:])
for other in others:
    assert whole.keys() == other.keys()
    for k in whole:
        if k != "eigenvectors":  # those of nearly equal eigenvalues may turn
            assert np.allclose(whole[k], other[k], rtol=1e-9, atol=1e-12), (k, abs(whole[k] - other[k]).max())
PY
}

@test "slurm: a task that gets SIGTERM leaves a checkpoint, is queued again, and the model is that of the single run" {
  needs numpy
  # Enough work for a signal to find it under way.
  noise dead-leaves -n 12 --height 256 --width 256 --rmin 2 -o photos.nst
  tensor convert --dtype F64 photos.nst -o photo-%02d.npy
  train-linear gaussian --patch 24 --shrink none photo-*.npy -o whole.safetensors
  "$submit" --every 1h --keep --shards 2 -o merged.safetensors gaussian --patch 24 --shrink none -- photo-*.npy >jobs
  array=$(sed -n 's/^array_0=//p' jobs) merge=$(sed -n 's/^merge_0=//p' jobs)
  # As --signal=B:TERM@60 does: to the batch shell alone, once the program is at work.
  wait_until 60 pgrep -f 'checkpoint-0-0[.]safetensors'
  sleep 1
  scancel --batch --signal=TERM "${array}_0"
  wait_until 120 slurm_is_done "$array" "$merge"
  same_moments whole.safetensors merged.safetensors
  grep -q 'train-array: shard 0 was stopped, and is queued again' merged.safetensors.slurm/task-0-0.log
  [ "$(grep -c 'stopped by a signal' merged.safetensors.slurm/task-0-0.log)" -eq 1 ]
}

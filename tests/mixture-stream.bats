#!/usr/bin/env bats
# Expectation-maximisation over data that are read for every step: passes, minibatches, array jobs.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 4 --seed 2 --height 72 --width 64 -o clean.nst
  noise gaussian --sigma 0.1 --seed 5 clean.nst -o noisy.nst
  train-linear mixture --patch 5 --components 6 --rank 6 --size-sample 3000 noisy.nst -o start.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

likelihood_of() { tensor info --json "$1" | sed 's/.*"model_log_likelihood":"\([-0-9.e]*\)".*/\1/'; }

@test "mixture --start: the likelihood of all patches rises from pass to pass, and two passes are twice one" {
  local model=start.safetensors before=-1e300 i now
  for i in 1 2 3 4; do
    train-linear mixture --patch 5 --start "$model" --iterations 1 noisy.nst -o "pass-$i.safetensors"
    model=pass-$i.safetensors
    now=$(likelihood_of "$model")
    echo "$before, then $now"
    awk -v a="$before" -v b="$now" 'BEGIN { exit !(b > a) }'
    before=$now
  done
  train-linear mixture --patch 5 --start start.safetensors --iterations 2 noisy.nst -o two.safetensors
  # But for the eigenvectors' rounding to float in between.
  awk -v a="$(likelihood_of pass-2.safetensors)" -v b="$(likelihood_of two.safetensors)" 'BEGIN { exit !(a - b < 1e-5 && b - a < 1e-5) }'
}

@test "mixture --start: the step of an array of jobs, merged in any order, is that of one run; a pipe will do for one" {
  needs numpy
  local i
  train-linear mixture --patch 5 --start start.safetensors --iterations 1 noisy.nst -o whole.safetensors
  for i in 0 1 2 3; do
    tensor slice --from "$i" --to $((i + 1)) noisy.nst |
      train-linear mixture --patch 5 --start start.safetensors --state "part-$i.safetensors" --first-index "$i"
  done
  train-linear merge part-2.safetensors part-0.safetensors part-3.safetensors part-1.safetensors -o merged.safetensors
  py - <<END
import json, numpy as np
def load(name):
    raw = open(name, "rb").read(); n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n]); meta = h.pop("__metadata__")
    types = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
    return {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], types[v["dtype"]]).reshape(v["shape"]) for k, v in h.items()}, meta
(a, meta_a), (b, meta_b) = load("whole.safetensors"), load("merged.safetensors")
for name in ("weights", "means", "eigenvalues", "residual_variances"):
    assert np.abs(a[name] - b[name]).max() <= 1e-12 * np.abs(a[name]).max(), name
u, v = a["eigenvectors"].astype(float), b["eigenvectors"].astype(float)
assert (np.abs((u * v).sum(1)) > 1 - 1e-6).all()
assert meta_a["model.count"] == meta_b["model.count"]
assert abs(float(meta_a["model.log_likelihood"]) - float(meta_b["model.log_likelihood"])) < 1e-10
END
}

@test "mixture --start, --passes, --online: the same bytes at any number of threads" {
  local way
  for way in "--start start.safetensors --iterations 2" "--start start.safetensors --online 3000" \
    "--components 4 --rank 5 --size-sample 2000 --passes 2"; do
    # shellcheck disable=SC2086  # several words
    train-linear mixture --patch 5 $way --threads 1 --no-history noisy.nst -o one.safetensors
    # shellcheck disable=SC2086
    train-linear mixture --patch 5 $way --threads 3 --no-history noisy.nst -o three.safetensors
    cmp one.safetensors three.safetensors
  done
}

@test "mixture --passes: after a small sample the passes over all make a likelier mixture" {
  train-linear mixture --patch 5 --components 6 --rank 6 --size-sample 3000 --passes 4 noisy.nst -o passes.safetensors
  train-linear mixture --patch 5 --start start.safetensors --iterations 1 noisy.nst -o first.safetensors
  local start passes
  start=$(likelihood_of first.safetensors) # of all patches under the sample's mixture
  passes=$(likelihood_of passes.safetensors)
  echo "$start, after passes $passes"
  awk -v a="$start" -v b="$passes" 'BEGIN { exit !(b > a) }'
}

@test "mixture --online: from a pipe, in one reading, likelier than its start" {
  train-linear mixture --patch 5 --start start.safetensors --online 1500 <noisy.nst -o online.safetensors
  train-linear mixture --patch 5 --start online.safetensors --iterations 1 noisy.nst -o after.safetensors
  train-linear mixture --patch 5 --start start.safetensors --iterations 1 noisy.nst -o before.safetensors
  awk -v a="$(likelihood_of before.safetensors)" -v b="$(likelihood_of after.safetensors)" 'BEGIN { exit !(b > a) }'
}

@test "mixture --stride: patches of every second pixel, as its samples are" {
  train-linear mixture --patch 4 --stride 2 --components 2 --size-sample 2000 clean.nst -o strided.safetensors
  train-linear mixture --patch 4 --stride 2 --start strided.safetensors --iterations 1 clean.nst -o next.safetensors
  # 72 - 6 by 64 - 6 places in each of 4 images
  [[ $(tensor info --json next.safetensors) == *'"model_count":"15312"'* ]]
}

@test "mixture --start: what does not fit is an error of one line, and no file is left" {
  fails_with 64 train-linear mixture --patch 5 --start start.safetensors -o no.safetensors <noisy.nst
  [[ $(cat "$BATS_TEST_TMPDIR/fails.err") == *"--iterations 1 or --online B"* ]]
  fails_with 64 train-linear mixture --patch 5 --components 2 --passes 2 -o no.safetensors - <noisy.nst
  fails_with 64 train-linear mixture --patch 5 --start start.safetensors --rank 3 noisy.nst -o no.safetensors
  fails_with 64 train-linear mixture --patch 5 --online 100 noisy.nst -o no.safetensors
  fails_with 65 train-linear mixture --patch 6 --start start.safetensors --online 9 noisy.nst -o no.safetensors
  fails_with 66 train-linear mixture --patch 5 --start absent.safetensors noisy.nst -o no.safetensors
  train-linear gaussian --patch 5 noisy.nst -o one.safetensors
  fails_with 65 train-linear mixture --patch 5 --start one.safetensors noisy.nst -o no.safetensors
  noise gaussian --sigma 0.2 --seed 5 clean.nst -o noisier.nst
  fails_with 65 train-linear mixture --patch 5 --start start.safetensors noisy.nst noisier.nst -o no.safetensors
  [[ $(cat "$BATS_TEST_TMPDIR/fails.err") == *"--sigma"* ]]
  [ ! -e no.safetensors ]
}

@test "mixture --start: states under other starts, or of another kind of run, are not merged" {
  local other
  train-linear mixture --patch 5 --start start.safetensors --iterations 1 noisy.nst -o other.safetensors
  train-linear mixture --patch 5 --start start.safetensors --state a.nst noisy.nst
  train-linear mixture --patch 5 --start other.safetensors --state b.nst --first-index 4 noisy.nst
  train-linear mixture --patch 5 --state c.nst --first-index 8 noisy.nst
  fails_with 65 train-linear merge a.nst b.nst -o no.safetensors
  other=$(tensor info --json b.nst | sed 's/.*"state_start":"\([0-9a-f]*\)".*/\1/')
  [[ $(cat "$BATS_TEST_TMPDIR/fails.err") == *"b.nst: was made under start model $other"* ]]
  fails_with 65 train-linear merge a.nst c.nst -o no.safetensors
  fails_with 65 train-linear merge c.nst a.nst -o no.safetensors
  fails_with 65 train-linear merge a.nst a.nst -o no.safetensors
  [ ! -e no.safetensors ]
}

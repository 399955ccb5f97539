#!/usr/bin/env bats
# train-linear stopped and resumed: nothing lost, the bytes of the uninterrupted run.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 3000 --height 6 --width 5 --rmin 1 --rmax 8 -o small.npy
  noise dead-leaves -n 60 --seed 2 --height 20 --width 20 -o images.nst
  noise gaussian --sigma 0.2 small.npy -o noisy.nst
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  ln -s "$BATS_FILE_TMPDIR"/* .
}

# stopped_in STREAM COMMAND...: the command reads half of the stream, then waits for more, and gets SIGTERM; it must end
# with 75.
stopped_in() {
  local stream=$1 status=0 job
  shift
  mkfifo pipe
  "$@" <pipe 2>stopped.err &
  job=$!
  exec 7>pipe
  head -c $(($(stat -Lc %s "$stream") / 2)) "$stream" >&7
  sleep 0.3 # head has returned: all but what the pipe holds is read
  kill -TERM $job
  wait $job || status=$?
  exec 7>&-
  rm -f pipe
  cat stopped.err
  [ "$status" -eq 75 ]
}

@test "SIGTERM leaves a checkpoint, --resume goes on: the same bytes, of every kind" {
  local way
  tensor split small.npy >stream.nst
  tensor split noisy.nst >noisy-stream.nst
  train-linear gaussian --patch 4 images.nst -o gate.safetensors
  train-linear mixture --components 3 --patch 3 --size-sample 300 images.nst -o start.safetensors
  train-linear mixture --components 2 --rank 3 small.npy -o law.safetensors
  while read -r input way; do
    # shellcheck disable=SC2086
    train-linear $way --no-history "$input" -o whole.safetensors
    # shellcheck disable=SC2086
    stopped_in "$input" train-linear $way --no-history --checkpoint run.ckpt -o part.safetensors
    [ -e run.ckpt ] && [ ! -e part.safetensors ] && [ ! -e part.safetensors.partial ]
    # shellcheck disable=SC2086
    train-linear $way --no-history --checkpoint run.ckpt --resume "$input" -o part.safetensors
    cmp whole.safetensors part.safetensors
    [ ! -e run.ckpt ]
  done <<'WAYS'
stream.nst gaussian
stream.nst gaussian --rank 5 --shrink lw
stream.nst stationary
noisy-stream.nst regression
images.nst regression --cascade 1 --gate gate.safetensors --patch 4
images.nst mixture --components 2 --patch 3 --size-sample 500
images.nst mixture --patch 3 --start start.safetensors --online 1000
stream.nst distill --model law.safetensors --sigma 0.2,1 --copies 3
WAYS
}

@test "SIGTERM once all samples are read: exit 75, the checkpoint is of all, --resume gives the same bytes" {
  local way job status
  tensor head -n 400 small.npy -o few.npy
  while read -r way; do
    # shellcheck disable=SC2086
    train-linear $way --no-history few.npy -o whole.safetensors
    # shellcheck disable=SC2086
    train-linear $way --no-history --checkpoint run.ckpt --every 1h few.npy -o part.safetensors 2>err &
    job=$!
    for _ in {1..200}; do [ ! -e run.ckpt ] || break; sleep 0.02; done
    kill -TERM $job
    status=0
    wait $job || status=$?
    cat err
    [ "$status" -eq 75 ]
    one_line err
    [ ! -e part.safetensors ] && [ ! -e part.safetensors.partial ]
    [ "$(tensor info --json run.ckpt | jq -r .checkpoint_samples)" -eq 400 ]
    # shellcheck disable=SC2086
    train-linear $way --no-history --checkpoint run.ckpt --resume few.npy -o part.safetensors
    cmp whole.safetensors part.safetensors
    [ ! -e run.ckpt ]
  done <<'WAYS'
sgd --level 0.2 --steps 100000
mixture --components 5 --restarts 4 --iterations 200
WAYS
}

@test "a checkpoint after every batch, from a mapped file: the same bytes, nothing left behind" {
  train-linear gaussian --no-history small.npy -o whole.safetensors
  train-linear gaussian --no-history --checkpoint run.ckpt --every 0 small.npy -o part.safetensors
  cmp whole.safetensors part.safetensors
  train-linear gaussian --patch 4 --no-history images.nst -o whole.safetensors
  train-linear gaussian --patch 4 --no-history --checkpoint run.ckpt --every 0 --resume images.nst -o part.safetensors
  cmp whole.safetensors part.safetensors
  [ "$(ls -A ./*.ckpt* 2>/dev/null)" = "" ]
}

@test "--resume with --state, skipped samples and an index: the state is that of the uninterrupted run" {
  needs numpy
  py -c "import numpy as np; x = np.load('small.npy').copy(); x[700, 2, 2] = np.nan; x[1500] = np.inf; np.save('bad.npy', x)"
  tensor split --allow-nonfinite bad.npy >stream.nst || skip "a stream of NaN cannot be made"
  train-linear gaussian --no-history --skip-bad --first-index 100 --state whole.safetensors stream.nst 2>whole.err
  stopped_in stream.nst train-linear gaussian --no-history --skip-bad --first-index 100 --checkpoint run.ckpt \
    --state part.safetensors
  train-linear gaussian --no-history --skip-bad --first-index 100 --checkpoint run.ckpt --resume \
    --state part.safetensors stream.nst 2>part.err
  cmp whole.safetensors part.safetensors
  cmp whole.err part.err
}

@test "a checkpoint of other options, another input, or none at all is refused by name" {
  tensor split small.npy >stream.nst
  stopped_in stream.nst train-linear gaussian --rank 5 --checkpoint run.ckpt -o part.safetensors
  cp run.ckpt before
  again() { fails_with "$@" --checkpoint run.ckpt --resume stream.nst -o part.safetensors; }
  again 65 train-linear gaussian --rank 6
  grep -q -- '--rank "5", this one has --rank "6"' "$BATS_TEST_TMPDIR/fails.err"
  again 65 train-linear stationary
  grep -q kind "$BATS_TEST_TMPDIR/fails.err"
  again 65 train-linear gaussian --rank 5 --first-index 7
  grep -q first-index "$BATS_TEST_TMPDIR/fails.err"
  again 65 train-linear gaussian --rank 5 --sigma 0.1
  again 65 train-linear gaussian --rank 5 --patch 2
  fails_with 65 train-linear gaussian --rank 5 --checkpoint run.ckpt --resume noisy.nst -o part.safetensors
  grep -q 'another input' "$BATS_TEST_TMPDIR/fails.err"
  tensor head -n 100 small.npy >short.nst
  fails_with 65 train-linear gaussian --rank 5 --checkpoint run.ckpt --resume short.nst -o part.safetensors
  cmp run.ckpt before
  fails_with 64 train-linear gaussian --rank 5 --checkpoint run.ckpt stream.nst -o part.safetensors
  fails_with 65 train-linear gaussian --rank 5 --checkpoint small.npy --resume stream.nst -o part.safetensors
  fails_with 64 train-linear gaussian --resume stream.nst -o part.safetensors
  fails_with 64 train-linear gaussian --every 5s stream.nst -o part.safetensors
  fails_with 64 train-linear gaussian --checkpoint new.ckpt --every soon stream.nst -o part.safetensors
  fails_with 64 train-linear gaussian --checkpoint part.safetensors stream.nst -o part.safetensors
  fails_with 73 train-linear gaussian --checkpoint nowhere/run.ckpt stream.nst -o part.safetensors
  [ ! -e part.safetensors ]
}

@test "--resume where there is no checkpoint yet begins; the files of pages that are counted are not decoded" {
  mkdir pages
  noise dead-leaves -n 40 --height 8 --width 8 -o pages/%02d.png
  train-linear gaussian --no-history pages/*.png -o whole.safetensors
  # Stopped in the middle of the files: the 30th is a pipe that nobody writes to.
  mkfifo wait.png
  train-linear gaussian --no-history --checkpoint run.ckpt --every 0 --resume pages/0?.png pages/1?.png pages/2?.png \
    wait.png -o part.safetensors 2>/dev/null &
  job=$!
  until [ -e run.ckpt ] && tensor info --json run.ckpt | grep -q '"checkpoint_samples":"30"'; do sleep 0.1; done
  kill -TERM $job
  status=0
  wait $job || status=$?
  [ "$status" -eq 75 ]
  # The pixels of the first ones are damaged: who decodes them fails.
  for i in 00 11 28; do printf '0000' | dd of="pages/$i.png" bs=1 seek=$(($(stat -c %s "pages/$i.png") - 26)) conv=notrunc 2>/dev/null; done
  fails_with 65 train-linear gaussian pages/11.png -o none.safetensors
  train-linear gaussian --no-history --checkpoint run.ckpt --resume pages/*.png -o part.safetensors
  cmp whole.safetensors part.safetensors
}

@test "--skip-bad: counted and left out; without it the sample is named by its number" {
  needs numpy
  py -c "import numpy as np; x = np.load('small.npy').copy(); x[0, 2, 2] = np.nan; x[1500] = np.inf; np.save('bad.npy', x)
np.save('good.npy', np.delete(x, [0, 1500], 0))"
  fails_with 65 train-linear gaussian --first-index 10000000 bad.npy -o model.safetensors
  grep -q 'sample 10000000: .* not finite .*--skip-bad' "$BATS_TEST_TMPDIR/fails.err"
  [ ! -e model.safetensors ]
  train-linear gaussian --skip-bad --first-index 10000000 bad.npy -o model.safetensors 2>err
  one_line err
  grep -q 'left out 2 samples that are not finite, first sample 10000000$' err
  [ "$(tensor info --json model.safetensors | jq -r .samples_skipped)" = 2 ]
  [ "$(tensor info --json model.safetensors | jq -r .model_count)" = 2998 ]
  # The law is that of the others: denoising by it does not differ.
  train-linear gaussian good.npy -o good.safetensors
  for m in model good; do denoise --model $m.safetensors --sigma 0.2 noisy.nst -o $m.npy; done
  metric rmse --reference good.npy model.npy --summary | jq -e '.rmse < 1e-6'
  py -c "import numpy as np; x = np.load('small.npy')[:2].copy(); x[:] = np.nan; np.save('all.npy', x)"
  fails_with 65 train-linear gaussian --skip-bad all.npy -o none.safetensors
  [ ! -e none.safetensors ]
}

@test "too few samples, nothing at all, a rank they cannot have: one line, no file" {
  tensor head -n 1 small.npy >one.nst
  fails_with 65 train-linear gaussian one.nst -o out.safetensors
  : >empty
  fails_with 65 train-linear gaussian empty -o out.safetensors
  fails_with 65 train-linear gaussian --state out.safetensors </dev/null
  tensor head -n 10 small.npy >ten.nst
  fails_with 65 train-linear gaussian --rank 10 ten.nst -o out.safetensors
  grep -q 'rank 10: 10 vectors' "$BATS_TEST_TMPDIR/fails.err"
  train-linear gaussian --rank 9 ten.nst -o nine.safetensors
  [ ! -e out.safetensors ] && [ ! -e out.safetensors.partial ]
}

@test "--progress=line ends with what the run took" {
  train-linear gaussian --progress=line small.npy -o model.safetensors 2>err
  one_line err
  grep -qE '^train-linear gaussian: done, 3000 samples, 36[01] kB read, .* s, .* s of processors, .* of memory$' err
  train-linear gaussian small.npy -o model.safetensors 2>err
  [ ! -s err ]
}

@test "--every beyond 30 days is refused: there would never be a checkpoint" {
  fails_with 64 train-linear gaussian --checkpoint far.ckpt --every 1e300h small.npy -o out.safetensors
  grep -q -- '--every 1e300h: at most 720h' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 train-linear gaussian --checkpoint far.ckpt --every 721h small.npy -o out.safetensors
  train-linear gaussian --checkpoint far.ckpt --every 720h small.npy -o month.safetensors
}

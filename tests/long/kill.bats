#!/usr/bin/env bats
# What is left when a program, a disk or a neighbour dies at a random moment.
load ../helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 40 --height 256 --width 256 --rmin 4 -o clean.nst
  noise gaussian --sigma 0.1 clean.nst -o whole.nst
}

@test "SIGKILL at 20 moments: no file, and --resume gives the bytes of the uninterrupted run" {
  for i in $(seq 20); do
    rm -f out.nst out.nst.partial
    noise gaussian --sigma 0.1 clean.nst -o out.nst &
    job=$!
    sleep "0.0$((i % 10))$((RANDOM % 10))"
    kill -KILL $job 2>/dev/null || true
    wait $job || true
    if [ ! -e out.nst ]; then noise gaussian --sigma 0.1 clean.nst -o out.nst --resume; fi
    cmp whole.nst out.nst
    [ ! -e out.nst.partial ]
  done
}

@test "SIGTERM with -o .nst: exit 75, FILE.partial to resume from" {
  # A slow producer, so that the signal finds the program at work.
  (for i in $(seq 0 39); do tensor slice --from "$i" --to $((i + 1)) clean.nst; sleep 0.05; done) |
    { noise gaussian --sigma 0.1 -o out.nst & echo $! >pid; { wait $! && echo 0 || echo $?; } >status; } &
  sleep 0.6
  kill -TERM "$(cat pid)"
  wait || true
  [ "$(cat status)" = 75 ]
  [ -e out.nst.partial ]
  [ ! -e out.nst ]
}

@test "SIGTERM while an external denoiser works: exit 75, the batch at hand is written, --resume gives the same bytes" {
  train-linear stationary clean.nst -o model.safetensors
  echo 'sleep 0.5; exec denoise --model model.safetensors' >denoiser # a slow start: the signal comes before the end
  draw=(sample --denoiser 'sh denoiser' --shape "256,256" -n 200 --sampler ddim --steps 2)
  { "${draw[@]}" -o out.nst & echo $! >pid; { wait $! && echo 0 || echo $?; } >status; } &
  sleep 0.7
  kill -TERM "$(cat pid)"
  wait || true
  [ "$(cat status)" = 75 ]
  [ -e out.nst.partial ]
  "${draw[@]}" --resume -o out.nst
  "${draw[@]}" | cmp - out.nst
}

@test "a second SIGTERM does not wait for the end of the record" {
  noise dead-leaves --height 20000 --width 20000 --rmin 1 -o slow.nst &
  job=$!
  while [ ! -e slow.nst.partial ]; do sleep 0.1; done
  kill -TERM $job
  sleep 0.2
  kill -TERM $job
  status=0
  wait $job || status=$?
  [ "$status" = 143 ]
  [ ! -e slow.nst ]
}

@test "a signal that the parent ignores stays ignored (nohup)" {
  (trap "" HUP
  (for i in 0 1 2 3; do tensor slice --from "$i" --to $((i + 1)) clean.nst; sleep 0.2; done) |
    { noise gaussian --sigma 0.1 -o out.nst & echo $! >pid; wait $!; echo $? >status; }) &
  while [ ! -s pid ] || [ ! -e out.nst.partial ]; do sleep 0.05; done
  kill -HUP "$(cat pid)"
  wait || true
  [ "$(cat status)" = 0 ]
  [ -e out.nst ]
}

@test "SIGTERM on a pipe: dies by the signal, downstream knows" {
  (for i in $(seq 0 39); do tensor slice --from "$i" --to $((i + 1)) clean.nst; sleep 0.05; done) |
    { noise gaussian --sigma 0.1 & echo $! >pid; { wait $! && echo 0 || echo $?; } >status; } >out &
  sleep 0.6
  kill -TERM "$(cat pid)"
  wait || true
  [ "$(cat status)" = 143 ]
}

@test "a dead upstream is an error downstream without pipefail" {
  tensor cat whole.nst | head -c 3000000 | fails_with 65 noise gaussian --sigma 0.1 -o out.nst
  [ ! -e out.nst ]
  [ ! -e out.nst.partial ]
}

@test "full disk: exit 74 and nothing left" {
  needs mount
  mkdir small
  mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || skip "mounting a small disk is not allowed here"
  status=0
  noise gaussian --sigma 0.1 clean.nst -o small/out.nst 2>err || status=$?
  noise gaussian --sigma 0.1 clean.nst -o small/out.safetensors 2>>err || stacked=$?
  left=$(ls -A small)
  umount small
  [ "$status" = 74 ]
  [ "$stacked" = 74 ]
  [ -z "$left" ]
  [ "$(grep -c 'No space left' err)" = 2 ]
}

@test "a file limit is an error of writing, not a death by SIGXFSZ" {
  (ulimit -f 100; fails_with 74 noise gaussian --sigma 0.1 clean.nst -o out.nst)
  [ ! -e out.nst ]
}

@test "SIGTERM stops sample at the end of a batch: what was made is kept, and --resume goes on" {
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear mixture --components 3 leaves.nst -o mixture.safetensors
  sample --model mixture.safetensors --sampler heun --steps 2000 -n 20000 -o part.nst &
  process=$!
  until [ -s part.nst.partial ]; do
    kill -0 "$process"
    sleep 0.05
  done
  kill -TERM "$process"
  status=0
  wait "$process" || status=$?
  [ "$status" -eq 75 ]
  # A batch is 480 samples.
  cp part.nst.partial part.copy.nst
  made=$(tensor info part.copy.nst 2>/dev/null | wc -l)
  [ "$made" -ge 480 ]
  [ $((made % 480)) -eq 0 ]
}

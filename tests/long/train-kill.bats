#!/usr/bin/env bats
# train-linear killed at any moment: a whole checkpoint or the one before, at most the last interval lost.
load ../helpers

setup_file() {
  load ../helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 6000 --height 24 --width 24 --rmin 2 | tensor split -o stream.nst
  train-linear gaussian --no-history --rank 20 stream.nst -o whole.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# samples: how many run.ckpt is of, and its generation.
samples() { tensor info --json run.ckpt | jq -r '"\(.checkpoint_samples) \(.checkpoint_generation)"'; }

@test "SIGKILL at 20 moments, then --resume: no file but the checkpoint, never less than before, the same bytes" {
  rm -f run.ckpt out.safetensors
  RANDOM=20261126
  local kills=0 before=0 generation=0 now next
  while [ "$kills" -lt 20 ]; do
    # A pipe that is fed slowly, so that the moments fall all over the run: 6000 samples in about 3 s.
    python3 -c '
import sys, time
data, first = open("stream.nst", "rb").read(), int(sys.argv[1])
size = len(data) // 6000
out = sys.stdout.buffer
out.write(data[:first * size])
for i in range(first * size, len(data), 40 * size):
    out.write(data[i:i + 40 * size]); out.flush(); time.sleep(.02)
' "$before" 2>/dev/null |
      { train-linear gaussian --no-history --rank 20 --checkpoint run.ckpt --every 0.05s --resume -o out.safetensors 2>err & echo $! >pid; wait $! || true; } &
    sleep "0.$((RANDOM % 8 + 1))$((RANDOM % 10))"
    [ -s pid ] && kill -KILL "$(cat pid)" 2>/dev/null && kills=$((kills + 1))
    wait || true
    rm -f pid
    if [ -e out.safetensors ]; then
      cmp whole.safetensors out.safetensors
      [ ! -e run.ckpt ]
      rm out.safetensors
      before=0 generation=0
      continue
    fi
    [ -e run.ckpt ] || continue
    read -r now next < <(samples)
    echo "$kills: $now samples, generation $next"
    [ "$now" -ge "$before" ] && [ "$next" -ge "$generation" ]
    before=$now generation=$next
  done
  train-linear gaussian --no-history --rank 20 --checkpoint run.ckpt --resume stream.nst -o out.safetensors
  cmp whole.safetensors out.safetensors
  [ ! -e run.ckpt ]
}

@test "SIGKILL from a mapped file: what a checkpoint is late is no more than an interval" {
  rm -f run.ckpt out.safetensors
  local job tries=0 checks=0
  train-linear gaussian --no-history --patch 8 stream.nst -o patches.safetensors
  # A run that ends before it is killed shows nothing: then once more, from the start.
  while [ "$checks" -lt 3 ]; do
    tries=$((tries + 1))
    [ "$tries" -le 40 ] || { echo "only $checks of $tries runs were killed with a checkpoint" && return 1; }
    train-linear gaussian --no-history --patch 8 --checkpoint run.ckpt --every 0.05s --resume stream.nst -o out.safetensors &
    job=$!
    for _ in {1..200}; do [ ! -e run.ckpt ] || break; sleep 0.01; done
    sleep "0.$((tries % 4))5"
    kill -KILL $job 2>/dev/null || true
    wait $job || true
    if [ -e out.safetensors ]; then
      cmp patches.safetensors out.safetensors
      rm -f run.ckpt out.safetensors
      continue
    fi
    # The file is younger than an interval, a batch and the time to write it.
    [ -e run.ckpt ]
    [ "$(($(date +%s%N) - $(stat -c %.9Y run.ckpt | tr -d .)))" -lt 1000000000 ]
    checks=$((checks + 1))
  done
  train-linear gaussian --no-history --patch 8 --checkpoint run.ckpt --resume stream.nst -o out.safetensors
  cmp patches.safetensors out.safetensors
}

@test "SIGUSR1 and SIGINT are as SIGTERM" {
  rm -f run.ckpt out.safetensors
  local signal status job
  for signal in USR1 INT; do
    mkfifo "pipe-$signal"
    # A shell without job control starts children with SIGINT ignored, and what is ignored stays so.
    python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])
' train-linear gaussian --no-history --rank 20 --checkpoint run.ckpt --resume -o out.safetensors <"pipe-$signal" &
    job=$!
    exec 7>"pipe-$signal"
    head -c 4000000 stream.nst >&7
    sleep 0.5
    kill -"$signal" $job
    status=0
    wait $job || status=$?
    exec 7>&-
    [ "$status" -eq 75 ]
    [ -e run.ckpt ]
  done
  train-linear gaussian --no-history --rank 20 --checkpoint run.ckpt --resume stream.nst -o out.safetensors
  cmp whole.safetensors out.safetensors
}

@test "a full disk under the checkpoint: exit 74, the one before stays whole" {
  needs mount
  mkdir small
  mount -t tmpfs -o size=4m tmpfs small 2>/dev/null || skip "mounting a small disk is not allowed here"
  tensor head -n 300 stream.nst >short.nst
  status=0
  mkfifo slow
  train-linear gaussian --checkpoint small/run.ckpt --every 0 -o out.safetensors <slow 2>err &
  job=$!
  exec 7>slow
  cat short.nst >&7
  until [ -e small/run.ckpt ]; do sleep 0.05; done
  dd if=/dev/zero of=small/fill bs=1k 2>/dev/null || true
  exec 8<stream.nst
  cat stream.nst >&7 2>/dev/null || true
  exec 7>&- 8<&-
  wait $job || status=$?
  generation=$(tensor info --json small/run.ckpt | jq -r .checkpoint_generation)
  umount small
  [ "$status" -eq 74 ]
  [ "$generation" -ge 1 ]
  grep -q 'No space left' err
}

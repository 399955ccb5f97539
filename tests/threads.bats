#!/usr/bin/env bats
# How many threads a program runs: --threads, else OMP_NUM_THREADS, else the processors that it may use.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  [ -d /proc/self/task ] || skip "/proc does not show threads"
  noise dead-leaves --height 1024 --width 1024 --rmin 20 -o clean.nst
  mkfifo pipe
}

# threads_are N COMMAND...: the command, a filter, has N threads after it has written its first record.
threads_are() {
  local expected=$1 threads job first
  shift
  rm -f out
  "$@" <pipe >out &
  job=$!
  exec 9>pipe
  cat clean.nst >&9
  for ((i = 0; i < 1000; ++i)); do
    first=$(stat -c %s out)
    if [ "$first" -gt 4194304 ]; then break; fi
    sleep 0.02
  done
  threads=(/proc/"$job"/task/*)
  exec 9>&-
  wait "$job"
  echo "${#threads[@]} threads, expected $expected: $*"
  [ "${#threads[@]}" -eq "$expected" ]
}

@test "threads: --threads, else OMP_NUM_THREADS" {
  threads_are 5 noise gaussian --sigma 0.1 --threads 5
  OMP_NUM_THREADS=3 threads_are 3 noise gaussian --sigma 0.1
  OMP_NUM_THREADS=3 threads_are 2 noise gaussian --sigma 0.1 --threads 2
  OMP_NUM_THREADS=3 threads_are 1 noise gaussian --sigma 0.1 --threads 1
  train-linear gaussian --patch 4 clean.nst -o model.safetensors
  OMP_NUM_THREADS=3 threads_are 4 denoise --sigma 0.1 --model model.safetensors --threads 4
}

@test "threads: else the processors that the affinity mask leaves" {
  needs taskset
  one=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
  threads_are 1 taskset -c "$one" noise gaussian --sigma 0.1
  OMP_NUM_THREADS=3 threads_are 3 taskset -c "$one" noise gaussian --sigma 0.1
  [ "$(nproc)" -ge 2 ] || skip "one processor"
  # Without a mask: all, or what a quota leaves; nproc knows nothing of quotas.
  grep -qs '^max' /sys/fs/cgroup/cpu.max || [ ! -e /sys/fs/cgroup/cpu.max ] || skip "a quota of processors"
  threads_are "$(nproc)" noise gaussian --sigma 0.1
}

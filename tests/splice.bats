#!/usr/bin/env bats
# Pages that were given to a pipe may travel on: programs of others splice them, and hold them while we go on.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import os; os.splice' 2>/dev/null; then return; fi
  done
  skip "needs python 3.10"
}

splice() { "$python" "$BATS_TEST_DIRNAME/delay_line.py"; }

@test "two splicing processes between two programs leave a mapped file's bytes as they were" {
  noise dead-leaves --height 1024 --width 1024 --rmin 8 -o one.nst
  for _ in {1..8}; do cat one.nst; done >large.nst
  tensor cat large.nst | splice | splice | cmp - large.nst
  cat large.nst | tensor cat | splice | splice | tensor cat | cmp - large.nst
}

@test "two splicing processes leave computed data as they were" {
  noise dead-leaves --height 512 --width 512 --rmin 8 -o one.nst
  for _ in {1..16}; do cat one.nst; done >clean.nst
  noise gaussian --sigma 0.1 -k clean.nst >noisy.nst
  noise gaussian --sigma 0.1 -k clean.nst | splice | splice | cmp - noisy.nst
  train-linear gaussian --patch 4 one.nst -o model.safetensors
  denoise --model model.safetensors noisy.nst >denoised.nst
  denoise --model model.safetensors noisy.nst | splice | splice | cmp - denoised.nst
  tensor convert --dtype F64 noisy.nst >double.nst
  tensor convert --dtype F64 noisy.nst | splice | splice | cmp - double.nst
  metric mse noisy.nst >rows
  cat noisy.nst | splice | splice | metric mse | cmp - rows
}

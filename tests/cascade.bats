#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 12 --height 64 --width 56 --rmin 3 --rmax 30 -o clean.nst
  noise dead-leaves -n 3 --seed 5 --height 70 --width 61 --rmin 3 --rmax 30 |
    noise gaussian --sigma 25/255 -k -o noisy.nst
  train-linear gaussian --patch 4 --shrink none clean.nst -o gate.safetensors
  learn --levels 25/255 clean.nst -o two.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

learn() { train-linear cascade --patch 4 --gate gate.safetensors "$@"; }

# error of a model's estimates of noisy.nst
mse_of() { denoise --model "$1" noisy.nst | metric mse --summary; }

@test "cascade: one stage is better than the gate's own filter, two are better than one" {
  learn --stages 1 clean.nst -o one.safetensors
  mse_of gate.safetensors >gate.json
  mse_of one.safetensors >one.json
  mse_of two.safetensors >two.json
  jq -e --slurpfile one one.json --slurpfile two two.json \
    '.mse > $one[0].mse and $one[0].mse > 1.1 * $two[0].mse' gate.json
}

@test "cascade: same bytes for any number of threads, instruction set, and however the samples come" {
  denoise --no-history --threads 1 --model two.safetensors noisy.nst -o one-thread.nst
  denoise --no-history --threads 2 --model two.safetensors noisy.nst -o two-threads.nst
  cmp one-thread.nst two-threads.nst
  NOISEUTILS_ISA=baseline denoise --no-history --model two.safetensors noisy.nst -o baseline.nst
  cmp one-thread.nst baseline.nst
  tensor slice --to 1 noisy.nst | denoise --model two.safetensors | tensor convert -o alone.npy
  tensor slice --to 1 one-thread.nst -o first.npy
  cmp alone.npy first.npy
  learn --no-history --threads 1 --levels 25/255 clean.nst -o threads.safetensors
  learn --no-history --threads 2 --levels 25/255 clean.nst -o threads2.safetensors
  cmp threads.safetensors threads2.safetensors
}

@test "cascade: merged from parts in any order, the model of the single run" {
  tensor slice --to 5 clean.nst | learn --state a.safetensors
  tensor slice --from 5 clean.nst | learn --first-index 5 --state b.safetensors
  train-linear merge --no-history b.safetensors a.safetensors -o merged.safetensors
  learn --no-history clean.nst -o single.safetensors
  cmp merged.safetensors single.safetensors
}

@test "cascade: several noise levels in one file, each where it belongs" {
  learn --no-history --levels 10/255,25/255 --stages 1 clean.nst -o both.safetensors
  learn --no-history --levels 25/255 --stages 1 clean.nst -o high.safetensors
  denoise --no-history --model both.safetensors noisy.nst | tensor convert -o both.npy
  denoise --no-history --model high.safetensors noisy.nst | tensor convert -o high.npy
  cmp both.npy high.npy
  tensor head noisy.nst | denoise --sigma 10/255 --model both.safetensors | tensor info
}

@test "cascade: what it was not learned for is refused before anything is written" {
  [[ $(fails_with 65 denoise --model two.safetensors --sigma 40/255 noisy.nst) == *"learned for noise of sigma 0.098"*"not 0.156"* ]]
  noise dead-leaves --height 3 --width 30 | noise gaussian --sigma 25/255 -o low.nst
  fails_with 65 denoise --model two.safetensors low.nst
  [[ $(fails_with 65 learn noisy.nst -o no.safetensors) == *"clean images"* ]]
  [[ $(fails_with 65 train-linear cascade --patch 6 --gate gate.safetensors clean.nst -o no.safetensors) == *"--patch 6"* ]]
  [[ $(fails_with 64 train-linear cascade --patch 4 clean.nst -o no.safetensors) == *"--gate"* ]]
  fails_with 64 learn --levels 0.1,0 clean.nst -o no.safetensors
  fails_with 64 learn --levels 0.1,x clean.nst -o no.safetensors
  fails_with 64 sample --model two.safetensors -n 1 -o no.npy
  [ ! -e no.safetensors ]
  [ ! -e no.npy ]
}

@test "cascade: a fusion joins it with the estimate of the image itself, and is better than either" {
  noise gaussian --sigma 25/255 --seed 3 -k clean.nst | denoise --self --preset fast --keep-noisy -o own.nst
  train-linear fusion --patch 4 --onto two.safetensors own.nst -o joined.safetensors
  mse_of two.safetensors >two.json
  mse_of joined.safetensors >joined.json
  denoise --self --preset fast noisy.nst | metric mse --summary >own.json
  jq -e --slurpfile two two.json --slurpfile joined joined.json \
    '.mse > $joined[0].mse and $two[0].mse > $joined[0].mse' own.json
  [[ $(fails_with 64 train-linear fusion --patch 4 own.nst -o no.safetensors) == *"--onto"* ]]
  [[ $(fails_with 65 train-linear fusion --patch 4 --onto gate.safetensors own.nst -o no.safetensors) == *"expected a cascade"* ]]
  [[ $(fails_with 65 train-linear fusion --patch 4 --onto two.safetensors noisy.nst -o no.safetensors) == *"no estimate of denoise --self"* ]]
}

#!/usr/bin/env bats
# The deterministic samplers from the shell.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o gaussian.safetensors
  train-linear mixture --components 3 leaves.nst -o mixture.safetensors
  printf '%s\n' ddim euler heun dpm2 dpm-solver-{1,2,3} dpmpp-{2s,2m,3m} unipc-{1,2,3} pndm s-pndm plms lms-{1,2,3,4} \
    deis-{1,2,3} gradient-estimation heavy-ball nesterov ghvb accelerated-ddim rk45 >samplers
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "sample: heun is the sampler by default" {
  sample --model gaussian.safetensors -n 2 -o default.npy
  sample --model gaussian.safetensors -n 2 --sampler heun -o heun.npy
  cmp default.npy heun.npy
}

@test "deterministic samplers: a sample does not depend on threads nor on its batch" {
  while read -r sampler; do
    run="sample --model mixture.safetensors --sampler $sampler --steps 6 --no-history"
    $run -n 9 --threads 1 -o one.nst
    $run -n 9 --threads 3 -o three.nst
    cmp one.nst three.nst
    $run -n 4 -o part-0.nst
    $run -n 5 --first-index 4 -o part-1.nst
    tensor cat --restream part-0.nst part-1.nst -o joined.nst
    cmp one.nst joined.nst || { echo "$sampler"; return 1; }
  done <samplers
}

@test "deterministic samplers: many steps of each meet, on a law that is no Gaussian" {
  needs numpy
  while read -r sampler; do
    sample --model mixture.safetensors --sampler "$sampler" --steps 400 --sigma-min 0.01 --sigma-max 20 -n 6 --dtype F64 -o "many-$sampler.npy"
  done <samplers
  py - <<'END_OF_PYTHON'
import numpy as np
load = lambda name: np.load("many-" + name + ".npy").reshape(6, -1)
exact = load("rk45")
first_order = {"ddim", "euler", "dpm-solver-1", "lms-1", "deis-1", "gradient-estimation", "heavy-ball", "nesterov"}
for name in open("samplers").read().split():
    error = np.abs(load(name) - exact).max()/np.abs(exact).max()
    print(name, error)
    if name == "accelerated-ddim": continue  # made for the small steps of a chain
    assert error < (2e-2 if name in first_order else 1e-3), (name, error)
END_OF_PYTHON
}

@test "deterministic samplers: --trajectory ends in the sample, and begins at the start" {
  sample --model mixture.safetensors --sampler ddim --steps 1 --dtype F64 --trajectory -o pair.npy
  tail -c 480 pair.npy | head -c 240 >start.npy
  while read -r sampler; do
    sample --model mixture.safetensors --sampler "$sampler" --steps 6 --dtype F64 -o end.npy
    sample --model mixture.safetensors --sampler "$sampler" --steps 6 --dtype F64 --trajectory -o all.npy
    [ "$(tensor info all.npy | jq -r .data_shape)" = "[7,6,5]" ]
    tail -c 240 end.npy | cmp - <(tail -c 240 all.npy) || { echo "$sampler"; return 1; } # 30 doubles
    tail -c 1680 all.npy | head -c 240 | cmp - <(tail -c 240 start.npy)
  done <samplers
}

@test "deterministic samplers: fewer steps than a method has values are refused" {
  fails_with 64 sample --model gaussian.safetensors --sampler lms-4 --steps 3
  fails_with 64 sample --model gaussian.safetensors --sampler unipc-3 --steps 2
  fails_with 64 sample --model gaussian.safetensors --sampler pndm --steps 3
  fails_with 64 sample --model mixture.safetensors --sampler ghvb --order 3.5 --steps 3
  fails_with 64 sample --model gaussian.safetensors --sampler ghvb --order 3.5 --steps 3 | grep 'at least 4 steps'
  fails_with 64 sample --model gaussian.safetensors --sampler rk45 --steps 1
  sample --model gaussian.safetensors --sampler ghvb --order 3.5 --steps 4 -o four.npy
}

@test "deterministic samplers: options of another sampler, and values out of range, are refused" {
  fails_with 64 sample --model gaussian.safetensors --sampler heun --gamma 2
  fails_with 64 sample --model gaussian.safetensors --sampler ghvb --order 0
  fails_with 64 sample --model gaussian.safetensors --sampler ghvb --order 5.5
  fails_with 64 sample --model gaussian.safetensors --sampler unipc-2 --variant bh3
  fails_with 64 sample --model gaussian.safetensors --sampler rk45 --tolerance 0
  fails_with 64 sample --model gaussian.safetensors --sampler rk45 --tolerance 1e-7 | grep 'F64'
  sample --model gaussian.safetensors --sampler rk45 --tolerance 1e-7 --dtype F64 -o fine.npy
  sample --model gaussian.safetensors --sampler unipc-2 --variant bh1 --prediction epsilon | tensor info | jq -r .sampler >sampler.json
  jq -e '.variant == "bh1" and .prediction == "epsilon" and .nfe == 18' sampler.json
}

@test "sample --nfe: as many steps as the calls allow, whatever they are spent on" {
  while read -r sampler; do
    [ "$sampler" != rk45 ] || continue
    sample --model gaussian.safetensors --sampler "$sampler" --nfe 21 | tensor info | jq -r .sampler >sampler.json
    jq -e '.nfe <= 21 and .nfe >= 19' sampler.json || { echo "$sampler"; return 1; }
  done <samplers
  fails_with 64 sample --model gaussian.safetensors --sampler pndm --nfe 12
  fails_with 64 sample --model gaussian.safetensors --sampler rk45 --nfe 50
}

@test "sample rk45: each sample tells its calls, more of them for a smaller tolerance" {
  sample --model mixture.safetensors --sampler rk45 -n 5 | tensor info | jq -r '.sampler | fromjson | .nfe' >coarse
  sample --model mixture.safetensors --sampler rk45 -n 5 --dtype F64 --tolerance 1e-9 | tensor info | jq -r '.sampler | fromjson | .nfe' >fine
  [ "$(wc -l <coarse)" -eq 5 ]
  paste coarse fine | while read -r a b; do [ "$a" -gt 6 ] && [ "$b" -gt "$((2 * a))" ]; done
}

@test "deterministic samplers: along every schedule exponential integrators stay with the law, others with --spacing karras" {
  schedules=$(sample --schedule=? 2>&1 | sed -E 's/.*one of //; s/ \(try.*//; s/\|/ /g')
  for schedule in $schedules; do
    for run in "ddim linspace" "dpmpp-3m linspace" "unipc-2 linspace" "heun karras" "pndm karras"; do
      read -r sampler spacing <<<"$run"
      [ "$spacing" = karras ] && spacing="--spacing karras" || spacing=
      # shellcheck disable=SC2086 # two words or none
      sample --model mixture.safetensors --schedule "$schedule" $spacing --sampler "$sampler" -n 4 | tensor info |
        jq -e '.data_nonfinite == 0 and .data_max < 2 and .data_min > -1' >/dev/null || { echo "$schedule $run"; return 1; }
    done
  done
}

#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 | tensor convert --dtype F64 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  tensor head -n 4 leaves.nst | noise gaussian --sigma 0.2 -o noisy.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# The largest absolute difference of two keys over the lines of standard input.
largest_difference() { jq -s "map((.$1 - .$2) | fabs) | max"; }

@test "score --log-likelihood flow: within 1e-6 of the exact log-density at tolerance 1e-8, calls told" {
  score --log-likelihood flow --tolerance 1e-8 --model model.safetensors noisy.nst >flow.json
  [ "$(wc -l <flow.json)" -eq 4 ]
  close_to "$(largest_difference log_density log_density_flow <flow.json)" 0 1e-6
  score log-density --model model.safetensors noisy.nst | jq -c '{id, index, log_density}' >exact.json
  jq -c '{id, index, log_density}' flow.json | cmp - exact.json
  [ "$(jq -s 'map(.nfe) | min > 100 and max < 1500' flow.json)" = true ]
  # The default tolerance is looser and cheaper.
  score log-density --log-likelihood flow --model model.safetensors noisy.nst >loose.json
  close_to "$(largest_difference log_density log_density_flow <loose.json)" 0 1e-3
  [ "$(jq -s 'map(.nfe) | max' loose.json)" -lt "$(jq -s 'map(.nfe) | min' flow.json)" ]
}

@test "score --log-likelihood flow: alpha, mixtures, empirical laws" {
  for kind in mixture empirical; do
    train-linear $kind leaves.nst -o $kind.safetensors
    score --log-likelihood flow --tolerance 1e-7 --alpha 0.5 --sigma 0.2 --model $kind.safetensors noisy.nst >$kind.json
    close_to "$(largest_difference log_density log_density_flow <$kind.json)" 0 1e-5
  done
}

@test "score --log-likelihood flow --denoiser: the law's own density, but for the noise it ends at, and the probes" {
  score log-density --log-likelihood flow --sigma-max 30 --tolerance 1e-6 --probes 200 --seed 3 \
    --denoiser 'denoise --model model.safetensors' noisy.nst >program.json
  [ "$(jq -s 'map(has("log_density")) | any' program.json)" = false ]
  score log-density --model model.safetensors noisy.nst | jq -s 'map(.log_density)' >exact.json
  # N(0, 30^2) for the law at 30 costs about (sum of variances + |mean|^2) / (2 30^2) < 0.02; 200 probes the rest
  [ "$(jq -s --slurpfile exact exact.json '[map(.log_density_flow), $exact[0]] | transpose | map((.[0] - .[1]) | fabs) | max < 2' program.json)" = true ]
  jq -s 'map(.nfe % 401) | max' program.json | grep -qx 0
}

@test "score log-density --denoiser: along the flow, as no formula is known" {
  run() { score log-density --sigma-max 20 --denoiser 'denoise --model model.safetensors' "$@" <(tensor head -n 1 noisy.nst); }
  run --log-likelihood flow >told.json
  run | cmp told.json -
  fails_with 64 score log-density --log-likelihood exact --denoiser cat noisy.nst | grep -q flow
}

@test "score --log-likelihood flow: threads, and an array job joined, give the lines of one run" {
  run() { score --log-likelihood flow --probes 2 --model model.safetensors "$@"; }
  run noisy.nst --threads 1 >one.json
  run noisy.nst --threads 3 | cmp one.json -
  tensor head -n 1 noisy.nst | run >parts.json
  tensor tail -n 3 noisy.nst | run --first-index 1 >>parts.json
  cmp <(jq -c '[.index, .log_density_flow]' one.json) <(jq -c '[.index, .log_density_flow]' parts.json)
}

@test "score --log-likelihood: bad input" {
  fails_with 64 score --log-likelihood flow --model model.safetensors --sigma 0 noisy.nst
  fails_with 64 score --log-likelihood flow --model model.safetensors --sigma-max 0.1 noisy.nst
  fails_with 64 score --log-likelihood exact --denoiser cat noisy.nst
  fails_with 64 score --log-likelihood flow noisy.nst
  fails_with 64 score --log-likelihood flow --model model.safetensors --denoiser cat noisy.nst
  fails_with 64 score --log-likelihood flow --tolerance 0 --model model.safetensors noisy.nst
  fails_with 64 score --probes 2 --model model.safetensors noisy.nst
  fails_with 64 score log-density --probes 2 --model model.safetensors noisy.nst
  fails_with 64 score --log-likelihood flow --keep-noisy --model model.safetensors noisy.nst
  fails_with 69 score --log-likelihood flow --denoiser false noisy.nst
}

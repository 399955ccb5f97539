#!/usr/bin/env bats
# denoise --denoiser CMD: any program is a denoiser.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 3 --height 40 --width 52 --rmin 6 | noise gaussian --sigma 0.1 -k -o noisy.nst
}


@test "denoise --denoiser cat: the noisy samples themselves, and the metadata of a denoised sample" {
  denoise --denoiser cat noisy.nst -o same.nst
  tensor convert noisy.nst -o noisy.npy
  tensor convert same.nst -o same.npy
  cmp noisy.npy same.npy
  tensor info --format json same.nst | head -n 1 >info
  [ "$(jq -r .noise_removed info | jq -r .sigma)" = 0.1 ]
  [ "$(jq -r .model info | jq -r .kind)" = program ]
  [ "$(jq -r .noise info)" = null ]
}

@test "denoise --denoiser 'denoise --model M' equals denoise --model M, also for batches and colour" {
  noise dead-leaves -n 9 --height 40 --width 52 --rmin 6 --seed 2 --colour -o colour.nst
  train-linear gaussian --patch 4 colour.nst -o model.safetensors
  noise gaussian --sigma 0.1 colour.nst | tensor convert --dtype F64 | tensor stack -n 4 -o noisy.nst
  denoise --model model.safetensors noisy.nst -o ours.npy
  denoise --denoiser 'denoise --model model.safetensors' noisy.nst -o theirs.npy
  cmp ours.npy theirs.npy
}

@test "denoise --denoiser: the example in Python, whose sigma comes on the wire" {
  needs numpy
  python=$(py -c 'import sys; print(sys.executable)')
  example="PYTHONPATH= $python '$BATS_TEST_DIRNAME/../scripts/examples/lee_filter.py'"
  denoise --denoiser "$example" noisy.nst -o estimates.nst
  metric mse --summary --format json estimates.nst >after
  metric mse --summary --format json noisy.nst >before
  # Noise of variance 0.01; flat leaves keep next to none of it.
  close_to "$(value mse before)" 0.01 0.001
  awk -v a="$(value mse after)" 'BEGIN { exit !(a < 0.005) }'
  tensor head noisy.nst -o one.npy
  denoise --denoiser "$example" --sigma 0.1 one.npy -o lee.npy
  py - <<'END'
import numpy as np
y, d = np.load("one.npy").astype(float), np.load("lee.npy")
y, d = y.reshape(40, 52), d.reshape(40, 52)
window = y[8:13, 20:25]
mean, variance = window.mean(), window.var()
expected = mean + max(variance - .01, 0) / max(variance, .01) * (y[10, 22] - mean)
assert abs(d[10, 22] - expected) < 1e-6, (d[10, 22], expected)
END
}

@test "denoise --denoiser: a program that fails is exit 69, one line, and no file" {
  for command in 'exit 3' 'head -c 4000' 'echo no record' 'tensor convert --dtype U8' "sleep 60"; do
    fails_with 69 denoise --denoiser "$command" --timeout 0.5 noisy.nst -o estimates.nst
    [ ! -e estimates.nst ]
    grep -q '^denoise: ' fails.err
  done
  # A sample that fails is not begun: what stands before it is whole.
  denoise --denoiser 'head -c 20000' --timeout 5 noisy.nst >stream 2>err || status=$?
  [ "$status" -eq 69 ]
  fails_with 65 tensor check stream
}

@test "denoise --denoiser: with --model or --self it is a usage error, without noise level a data error" {
  fails_with 64 denoise --denoiser cat --model model.safetensors noisy.nst
  fails_with 64 denoise --denoiser cat --self noisy.nst
  fails_with 64 denoise noisy.nst
  fails_with 64 denoise --self --timeout 3 noisy.nst
  noise dead-leaves --height 8 --width 8 -o clean.nst
  fails_with 65 denoise --denoiser cat clean.nst
}

@test "denoise --denoiser: an answer of another shape, or that is not finite, is exit 69" {
  noise dead-leaves --height 4 --width 4 -o small.nst
  fails_with 69 denoise --denoiser 'head -c 1 >/dev/null; cat small.nst' noisy.nst
  grep -q 'data has shape \[4,4\], asked for \[40,52\]' fails.err
  needs numpy
  py -c 'import numpy as np; np.save("nan.npy", np.where(np.arange(2080) == 7, np.nan, 0.0).reshape(40, 52))'
  tensor convert --allow-nonfinite nan.npy -o nan.nst
  fails_with 69 denoise --denoiser 'head -c 1 >/dev/null; cat nan.nst' noisy.nst
  grep -q 'not finite at element 7' fails.err
}

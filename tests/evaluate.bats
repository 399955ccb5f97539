#!/usr/bin/env bats
# scripts/evaluate: a folder of captures and a denoiser.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  evaluate=$BATS_TEST_DIRNAME/../scripts/evaluate
  noise dead-leaves --height 96 --width 96 --rmin 8 -o scene.nst
}

@test "evaluate: a table of captures, pooled figures, and the verdict of a test" {
  needs train-linear denoise
  mkdir captures
  for i in 1 2 3 4 10; do noise gaussian --sigma 0.1 --seed "$i" scene.nst -o "captures/$i.nst"; done
  train-linear gaussian --patch 6 scene.nst -o model.safetensors
  "$evaluate" captures denoise --sigma 0.1 --model model.safetensors >out 2>err
  [ "$(grep -c '^[0-9]' out)" -eq 5 ]
  grep -q 'denoised is better than noisy: yes' out
  # The interval of the noisy ones holds the truth: sigma 0.1 is 20 dB.
  read -r _ p low _ high _ <<<"$(grep '^noisy' out)"
  awk -v p="$p" -v l="$low" -v h="$high" 'BEGIN { exit !(l < p && p < h && l < 20.1 && h > 19.9) }'
  "$evaluate" captures cat >same 2>err
  grep -q 'better than noisy: no' same
}

@test "evaluate: what it cannot do is said" {
  mkdir few
  cp scene.nst few/1.nst
  fails_with 65 "$evaluate" few cat
  fails_with 64 "$evaluate" few
  fails_with 64 "$evaluate" absent cat
  cp scene.nst few/2.nst
  cp scene.nst few/3.nst
  fails_with 69 "$evaluate" few sh -c 'exit 3'
  grep -q 'failed with status 3' fails.err
}

#!/usr/bin/env bats
# How well images come out, on pictures that others' tables are about.
load ../helpers

@test "denoise: one Gaussian of 8x8 patches, learned from the noisy image itself, reaches 27.09 dB on Set12 at sigma 25" {
  needs_shared set12
  cd "$BATS_TEST_TMPDIR"
  number=0
  for image in "$SHARED"/set12/*.png; do
    noise gaussian --sigma 25/255 -k --first-index $((number++)) "$image" -o noisy.nst
    train-linear gaussian --patch 8 noisy.nst -o own.safetensors
    denoise --model own.safetensors noisy.nst | metric psnr --format json | jq .psnr >>psnr
  done
  [ "$number" -eq 12 ]
  mean=$(awk '{ sum += $1 } END { print sum / NR }' psnr)
  echo "mean PSNR $mean dB"
  # An independent implementation (numpy, other noise) of the same estimate gave 27.09.
  close_to "$mean" 27.09 0.3
}

#!/usr/bin/env bats
# train-linear regression on photographs: each loss where it was measured by another program.
load ../helpers

setup() { cd "$BATS_TEST_TMPDIR" || return; }

@test "set12: each loss is where the methods measured it" {
  needs_shared set12
  # Mean PSNR of Set12 at sigma 25/255 of 7 x 7 filters fitted to each image, as measured in numpy for one pixel from
  # its 7 x 7 neighbourhood. Ours are averages over the 49 patches that cover a pixel: not worse, up to 0.1 dB better.
  declare -A measured=([supervised]=27.03 [n2n]=27.02 [sure]=27.02 [r2r]=26.98 [blind-spot]=25.96
    [blind-spot --centre]=27.02 [neighbor]=26.74)
  i=0
  for image in "$SHARED"/set12/*.png; do
    noise gaussian --sigma 25/255 --seed $((1000 + i++)) --copies 2 -k "$image" -o y.nst
    for loss in "${!measured[@]}"; do
      # shellcheck disable=SC2086
      train-linear regression --loss $loss --patch 7 y.nst -o model.safetensors
      denoise --model model.safetensors y.nst | metric psnr --format json >>"of $loss"
    done
  done
  for loss in "${!measured[@]}"; do
    close_to "$(jq -s 'map(.psnr) | add / length' "of $loss")" "${measured[$loss]}" 0.1
  done
}

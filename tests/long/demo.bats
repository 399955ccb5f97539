#!/usr/bin/env bats
# The main job on the photographs themselves, where apt finds them.
load ../helpers
load ../demo

@test "demo: six photographs" {
  needs pngtopnm jq
  cd "$BATS_TEST_TMPDIR"
  run_demo "$PWD"
  if grep -q '^no photographs to be had' printed; then skip "apt cannot download here"; fi
  table_is_whole printed brick camera cell coffee grass gravel
  montage_is_readable "$PWD"
}

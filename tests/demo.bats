#!/usr/bin/env bats
# The main job where no photographs are to be had.
load helpers
load demo

@test "demo: without apt's packages: dead leaves, and says so; a table of six, and a montage" {
  needs pngtopnm jq
  cd "$BATS_TEST_TMPDIR"
  mkdir offline
  printf '#!/bin/sh\necho "E: no network in this test" >&2\nexit 100\n' >offline/apt-get
  chmod +x offline/apt-get
  PATH=$PWD/offline:$PATH run_demo "$PWD"
  head -n 1 printed | grep 'E: no network in this test' | grep dead-leaves
  table_is_whole printed leaves-{0..5}
  montage_is_readable "$PWD"
  [ ! -s errors ]
}

@test "demo: a script of at most 60 lines" {
  [ "$(wc -l <"$BATS_TEST_DIRNAME/../scripts/demo")" -le 60 ]
}

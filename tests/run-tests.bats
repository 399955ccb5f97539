#!/usr/bin/env bats
# scripts/run-tests counts right, whatever its runners do.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  runner=$BATS_TEST_DIRNAME/../scripts/run-tests
  unset CI
}

# counted EXPECTED STATUS [FILE...]: the runner's last line and exit status.
counted() {
  local expected=$1 expected_status=$2
  shift 2
  # bats inside bats: what names this run must not reach that one.
  run env -u BATS_RUN_TMPDIR -u BATS_FILE_TMPDIR -u BATS_TEST_TMPDIR -u BATS_SUITE_TMPDIR -u BATS_ROOT BUILD="$PWD" "$runner" "$@"
  [ "${lines[-1]}" = "$expected" ] || { echo "$output"; return 1; }
  [ "$status" -eq "$expected_status" ]
}

@test "run-tests: passed, failed and skipped bats tests; a skip for want of a package fails in CI" {
  printf '@test "%s" { %s; }\n' good true bad false rare 'skip "needs no-such-program"' >mixed.bats
  printf '@test "%s" { %s; }\n' fine true data 'skip "needs ../shared"' >fine.bats
  counted '2 passed, 1 failed, 2 skipped' 1 "$PWD/mixed.bats" "$PWD/fine.bats"
  [[ $output == *"failed: $PWD/mixed.bats: bad"* ]]
  [[ $output == *"skipped: $PWD/mixed.bats: rare: needs no-such-program"* ]]
  counted '1 passed, 0 failed, 1 skipped' 0 "$PWD/fine.bats"
  export CI=true
  counted '2 passed, 2 failed, 1 skipped' 1 "$PWD/mixed.bats" "$PWD/fine.bats"
}

@test "run-tests: a bats file that breaks, or dies half-way, is a failure" {
  printf '@test "good" { true; }\nif then\n' >broken.bats
  run env BUILD="$PWD" "$runner" "$PWD/broken.bats"
  [ "$status" -eq 1 ]
  [[ ${lines[-1]} =~ ^[0-9]+\ passed,\ [1-9] ]]
  printf '@test "good" { true; }\n@test "dies" { kill -9 $PPID; }\n@test "never" { true; }\n' >dies.bats
  run env BUILD="$PWD" "$runner" "$PWD/dies.bats"
  [ "$status" -eq 1 ]
  [[ ${lines[-1]} =~ ^[0-9]+\ passed,\ [1-9] ]]
  run env BUILD="$PWD" "$runner" "$PWD/absent.bats"
  [ "$status" -eq 1 ]
}

@test "run-tests: bats files are no programs of their own" {
  find "$BATS_TEST_DIRNAME" -name '*.bats' -perm /111 >programs
  cat programs
  [ ! -s programs ]
}

@test "run-tests: unit tests that fail or crash are failures, those that skip are named" {
  mkdir -p project/scripts project/tests
  cp "$runner" project/scripts/
  runner=$PWD/project/scripts/run-tests
  stand_in() { printf '#!/bin/sh\n%s\n' "$1" >unit-tests && chmod +x unit-tests; }
  stand_in 'echo "[doctest] test cases:  12 |  12 passed | 0 failed | 3 skipped"'
  counted '12 passed, 0 failed' 0
  stand_in 'echo "[doctest] test cases: 12 | 10 passed | 2 failed | 3 skipped"; exit 1'
  counted '10 passed, 2 failed' 1
  stand_in 'echo "skipped: a case: needs ../shared"; echo "[doctest] test cases: 2 | 2 passed | 0 failed |"'
  counted '1 passed, 0 failed, 1 skipped' 0
  stand_in 'kill -SEGV $$'
  counted '0 passed, 1 failed' 1
  stand_in 'echo "[doctest] test cases: 9 | 9 passed | 0 failed | 0 skipped"; exit 139'
  counted '9 passed, 1 failed' 1
  rm unit-tests
  counted '0 passed, 1 failed' 1
}

# scripts/install-deps, with stand-ins for dpkg-query, apt-get and id.
load helpers

setup() {
  script=$BATS_TEST_DIRNAME/../scripts/install-deps
  mkdir "$BATS_TEST_TMPDIR/bin"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  cd "$BATS_TEST_TMPDIR"
}

# stand_in NAME COMMANDS: a program of that name comes first on PATH.
stand_in() {
  printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# shellcheck disable=SC2016
everything='shift 3; for package; do echo "installed $package"; done'

@test "install-deps: with everything there it does nothing" {
  stand_in dpkg-query "$everything"
  stand_in apt-get 'exit 99'
  for list in '' --test --ci; do
    run "$script" $list
    [ "$status" -eq 0 ]
    [ -z "$output" ]
  done
}

@test "install-deps: without root it names what is missing and exits 69" {
  stand_in dpkg-query 'exit 1'
  stand_in id 'echo 1000'
  stand_in sudo 'exit 1'
  stand_in apt-get 'touch called'
  run "$script" --test
  [ "$status" -eq 69 ]
  [[ $output == *libeigen3-dev* && $output == *bats* && $output != *shellcheck* ]]
  [ ! -e called ]
}

@test "install-deps: a package that was removed but left its settings is missing" {
  stand_in dpkg-query "$everything"' | sed "s/installed bats/config-files bats/"'
  stand_in id 'echo 1000'
  stand_in sudo 'exit 1'
  run "$script" --test
  [ "$status" -eq 69 ]
  [[ $output == *"  bats" ]]
}

@test "install-deps: as root it installs what is missing alone, and fetches lists only if that fails" {
  stand_in dpkg-query "$everything"' | grep -v -e netpbm -e libpng-dev'
  stand_in id 'echo 0'
  # shellcheck disable=SC2016
  stand_in apt-get 'echo "$DEBIAN_FRONTEND: $*" >>calls; [ -e updated ] || [[ $* == *" update" && $(touch updated) == "" ]]'
  run "$script" --test
  [ "$status" -eq 0 ]
  [ "$(grep -c . calls)" -eq 3 ]
  [[ $(sed -n 1p calls) == "noninteractive: "*" install --no-install-recommends libpng-dev netpbm" ]]
  [[ $(sed -n 2p calls) == *" update" ]]
  rm calls
  "$script" --test
  [ "$(grep -c . calls)" -eq 1 ]
}

@test "install-deps: where apt fails, 69" {
  stand_in dpkg-query 'exit 1'
  stand_in id 'echo 0'
  stand_in apt-get 'exit 100'
  run "$script"
  [ "$status" -eq 69 ]
  [[ $output == *"apt failed"* && $output != *bats* ]]
}

@test "install-deps: an unknown argument is a usage error" {
  run "$script" --everything
  [ "$status" -eq 64 ]
}

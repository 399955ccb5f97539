#!/usr/bin/env bats
# Builds from scratch: in another folder, and as on a machine where nothing is installed but a compiler.
load ../helpers

setup() {
  root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  cd "$BATS_TEST_TMPDIR" || return
  unset MAKELEVEL
  MAKEFLAGS=$(sed -E 's/ ?(-j[0-9]*|--jobserver-[a-z]*=[^ ]*)//g' <<<"${MAKEFLAGS-}")
  export MAKEFLAGS
}

copy_sources() {
  mkdir -p "$1"
  (cd "$root" && find Makefile lib tools tests/unit scripts/*.mk -type f -print0 | xargs -0 cp --parents -t "$1")
}

@test "built in another folder: the same bytes" {
  case $BUILD in "$root"/build) ;; *) skip "the build at hand is one of its own kind: $BUILD" ;; esac
  copy_sources "$PWD/elsewhere"
  make -s -C elsewhere -j2 BUILD=build all
  cmp "$BUILD/libnoiseutils.a" elsewhere/build/libnoiseutils.a
  for program in "$BUILD"/bin/*; do cmp "$program" "elsewhere/build/bin/${program##*/}"; done
}

@test "built without pkg-config, BLAS and FFTW, by another compiler, from headers in a folder of one's own" {
  compiler=clang++-14
  command -v "$compiler" >/dev/null || compiler=g++
  copy_sources "$PWD/site"
  mkdir prefix
  cp -r /usr/include/eigen3 prefix/eigen
  cp -r /usr/include/stb prefix/stb
  for name in CLI nlohmann Random123 doctest; do
    mkdir prefix/$name
    cp -r /usr/include/$name prefix/$name/
  done
  # -H prints the name of every header that is read.
  make -s -C site -j2 BUILD=build CXX=$compiler CI=true PKG_CONFIG=false CXXFLAGS=-O1 CPPFLAGS=-H EIGEN="$PWD/prefix/eigen" \
    CLI11="$PWD/prefix/CLI" JSON="$PWD/prefix/nlohmann" STB="$PWD/prefix/stb" RANDOM123="$PWD/prefix/Random123" \
    DOCTEST="$PWD/prefix/doctest" all build/unit-tests 2>headers || { grep -v '^\.' headers | tail -n 40; return 1; }
  grep -oE '^\.+ .*' headers | sed -E 's/^\.+ //' | sort -u >used
  for name in eigen/Eigen/ CLI/CLI/ nlohmann/nlohmann/ stb/ Random123/Random123/ doctest/doctest/; do
    grep -q "^$PWD/prefix/$name" used
  done
  run grep -E '^/usr/include/(eigen3|CLI|nlohmann|stb|Random123|doctest|fftw|openblas|.*blas)' used
  [ -z "$output" ]

  site/build/bin/noise --version --json >version
  [ "$(value blas version)" = none ]
  [ "$(value fft version)" = none ]
  [ "$(value licence version)" = BSD-3-Clause ]
  run ldd site/build/bin/noise
  [[ $output != *blas* ]]
  [[ $output != *fftw* ]]
  (cd "$root" && "$BATS_TEST_TMPDIR/site/build/unit-tests" -nc -tse=long)

  # The random numbers are ours alone: another compiler makes the same.
  noise dead-leaves -n 3 --height 50 --width 70 --seed 3 -o leaves.nst
  site/build/bin/noise dead-leaves -n 3 --height 50 --width 70 --seed 3 -o again.nst
  cmp leaves.nst again.nst
  for family in 'gaussian --sigma 0.1' 'poisson --peak 30' 'gamma --looks 2.5' 'uniform --width 0.2'; do
    # shellcheck disable=SC2086
    noise $family --seed 7 leaves.nst >ours
    # shellcheck disable=SC2086
    site/build/bin/noise $family --seed 7 leaves.nst >theirs
    cmp ours theirs
  done
}

@test "fuzz: no input breaks a reader" {
  needs clang++-14
  make -s -C "$root" BUILD="$BUILD" fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-60}"
}

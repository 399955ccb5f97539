#!/usr/bin/env bats
# What make does. "-o all": what is built is taken as it is.
load helpers

setup() {
  root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  cd "$BATS_TEST_TMPDIR"
  unset MAKEFLAGS MAKELEVEL
}

make_here() { make -s -C "$root" -o all BUILD="$BUILD" "$@"; }

@test "make: flags of the user come last, and take nothing away" {
  make -n -C "$root" BUILD="$PWD/none" CXXFLAGS=-O0 CPPFLAGS=-DOURS LDFLAGS=-L/ours PKG_CONFIG=false >commands
  grep -E '^g\+\+ .* -c lib/base/error.cpp' commands >compile
  grep -E '^g\+\+ .* -o .*/bin/noise' commands >link
  grep -qE -- '-DOURS .*-std=c\+\+20 .*-ffp-contract=off .*-Wconversion .*-O0 ' compile
  ! grep -q -- '-O2' compile || return 1
  grep -q -- '-L/ours .*-ltiff' link
}

@test "make: BLAS, FFT and folders of headers are chosen on the command line, a typo is an error" {
  make -n -C "$root" BUILD="$PWD/none" BLAS=none FFT=none EIGEN=/e CLI11=/c JSON=/j STB=/s RANDOM123=/r >commands
  grep -E '^g\+\+ .* -c lib/base/error.cpp' commands >compile
  for folder in /e /c /j /s /r; do grep -qE -- "-isystem $folder( |$)" compile; done
  ! grep -qE 'OPENBLAS|FFTW|eigen3' compile || return 1
  run make -n -C "$root" BUILD="$PWD/none" BLAS=oepnblas
  [ "$status" -ne 0 ]
  [[ $output == *"BLAS=oepnblas"* ]]
}

@test "make install: programs, pages, completions, headers, library; uninstall leaves nothing" {
  mkdir -p "root/opt/lib/pkgconfig" root/opt/include
  touch root/opt/lib/pkgconfig/other.pc
  find root | sort >before
  make_here install DESTDIR="$PWD/root" PREFIX=/opt
  for program in "$BUILD"/bin/*; do
    name=${program##*/}
    cmp "$program" "root/opt/bin/$name"
    [ -x "root/opt/bin/$name" ]
    cmp "$root/man/$name.1" "root/opt/share/man/man1/$name.1"
    grep -q "^complete .* $name$" "root/opt/share/bash-completion/completions/$name"
  done
  cmp "$root/man/noiseutils.7" root/opt/share/man/man7/noiseutils.7
  cmp "$root/man/noiseutils-stream.5" root/opt/share/man/man5/noiseutils-stream.5
  diff <(cd "$root/lib" && find . -name '*.hpp' | sort) <(cd root/opt/include/noiseutils && find . -type f | sort)
  [ -x root/opt/share/doc/noiseutils/examples/evaluate ]
  cmp "$root/LICENSE" root/opt/share/doc/noiseutils/LICENSE
  make_here uninstall DESTDIR="$PWD/root" PREFIX=/opt
  find root -type f | sort >left
  [ "$(cat left)" = root/opt/lib/pkgconfig/other.pc ]
  [ ! -e root/opt/include/noiseutils ]
  [ ! -e root/opt/share/doc/noiseutils ]
}

@test "make install PROGRAM_PREFIX: programs, their pages and completions are renamed, results are not" {
  make_here install PREFIX="$PWD/opt" PROGRAM_PREFIX=nu-
  for program in "$BUILD"/bin/*; do
    name=nu-${program##*/}
    "opt/bin/$name" --help >help
    grep -q "^Usage: $name" help
    "opt/bin/$name" --version | grep -q "^$name "
    [ -e "opt/share/man/man1/$name.1" ]
    bash -c 'source "$1"; complete -p "$2"' bash "opt/share/bash-completion/completions/$name" "$name"
  done
  [ ! -e opt/bin/noise ]
  PATH=$PWD/opt/bin:$PATH
  fails_with 64 nu-noise gaussian --no-such-option
  grep -q '^nu-noise: ' fails.err
  nu-noise dead-leaves --height 4 --width 4 >renamed
  noise dead-leaves --height 4 --width 4 >plain
  cmp renamed plain
  make_here uninstall PREFIX="$PWD/opt" PROGRAM_PREFIX=nu-
  [ -z "$(find opt -type f)" ]
}

@test "make install: a program of others builds against library, headers and .pc file" {
  needs pkg-config g++
  if nm "$BUILD/libnoiseutils.a" | grep -q __asan; then skip "the library holds sanitizers"; fi
  make_here install PREFIX="$PWD/opt"
  cat >sum.cpp <<'END'
#include <cstdio>
#include "tensor/reader.hpp"
int main(int, char** argv) {
  const auto reader = noiseutils::open_records({argv[1]}, {});
  double sum = 0;
  while (const auto record = reader->next())
    for (const float value : record->require("data").values<float>()) sum += value;
  std::printf("%.3f\n", sum);
}
END
  export PKG_CONFIG_PATH=$PWD/opt/lib/pkgconfig
  # shellcheck disable=SC2046
  g++ -std=c++20 sum.cpp $(pkg-config --cflags --libs noiseutils) -o sum
  noise dead-leaves --height 4 --width 4 -o leaves.nst
  tensor convert leaves.nst -o leaves.npy
  needs numpy
  [ "$(./sum leaves.nst)" = "$(py -c 'import numpy; print("%.3f" % numpy.load("leaves.npy").astype(float).sum())')" ]
}

@test "make dist: a tarball of the committed sources, twice the same bytes" {
  git -C "$root" rev-parse HEAD >/dev/null 2>&1 || skip "not a git checkout"
  make_here dist
  mv "$BUILD"/noiseutils-*.tar.gz first.tar.gz
  make_here dist
  cmp first.tar.gz "$BUILD"/noiseutils-*.tar.gz
  tar xzf first.tar.gz
  diff <(git -C "$root" ls-tree -r --name-only HEAD) <(cd noiseutils-* && find . -type f -o -type l | sed 's,^\./,,' | LC_ALL=C sort)
}

@test "make help names every target of the build" {
  make_here help >help
  for target in all test test-long lint sanitize fuzz bench demo install uninstall dist clean; do
    grep -qE "^  $target " help
  done
}

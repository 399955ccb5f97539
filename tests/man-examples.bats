#!/usr/bin/env bats
# Every literal block in the EXAMPLES of the manual pages, and every block of commands in the README, runs as it stands.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  mkdir photos colour
  noise dead-leaves --height 48 --width 64 -o photo.png
  noise dead-leaves -n 3 --seed 1 --first-index 1 --height 48 --width 64 -o photos/%d.png
  noise dead-leaves -n 4 --seed 2 --height 32 --width 32 -o stack.tif
  noise dead-leaves -n 60 --seed 3 --height 8 --width 8 | tensor convert --scale 255 --dtype U8 -o digits.npy
}

# blocks FILE: prints each literal block of EXAMPLES, then a line "---".
blocks() {
  awk '/^\.Sh /{inside = /EXAMPLES/} inside && /^\.Bd -literal/{block = 1; next} /^\.Ed/{if (block) print "---"; block = 0}
       block' "$1" | sed 's/\\e/\\/g; s/\\&//g; s/\\-/-/g'
}

@test "manual pages: every example runs" {
  count=0
  for page in "$BATS_TEST_DIRNAME"/../man/*.[1-8]; do
    [ -n "$(blocks "$page")" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
      if [ "$line" != --- ]; then
        example+=$line$'\n'
        continue
      fi
      rm -rf "$BATS_TEST_TMPDIR/run"
      cp -r "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR/run"
      cd "$BATS_TEST_TMPDIR/run"
      if ! bash -euo pipefail -c "$example" >out 2>err </dev/null; then
        printf '%s\n%s' "${page##*/}: does not run:" "$example"
        cat err
        return 1
      fi
      count=$((count + 1)) example=
    done < <(blocks "$page")
  done
  echo "$count examples"
  [ "$count" -ge 10 ]
}

@test "manual pages: each program has one" {
  for program in "$BUILD"/bin/*; do
    [ -e "$BATS_TEST_DIRNAME/../man/${program##*/}.1" ]
  done
}

# readme_blocks: the indented blocks of README.md, after each a line "---".
readme_blocks() {
  awk '/^    /{sub(/^    /, ""); print; block = 1; next} block{print "---"; block = 0} END{if (block) print "---"}' \
    "$BATS_TEST_DIRNAME/../README.md"
}

@test "README: every block of our programs runs, one after the other in one folder" {
  cp -r "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR/run"
  cd "$BATS_TEST_TMPDIR/run"
  # What the text takes as given: colour images, four noisy copies and a model of them, a video, a list of files.
  for i in 1 2; do
    noise dead-leaves -n 3 --seed "$i" --height 48 --width 64 -o planes.npy
    tensor convert --axes CHW planes.npy -o "colour/$i.png"
  done
  noise gaussian --sigma 25/255 --copies 4 photo.png -o noisy.nst
  train-linear gaussian --patch 8 noisy.nst -o own.safetensors
  ln -s "$BATS_TEST_DIRNAME/../scripts" scripts
  mkdir bin frames
  printf '#!/bin/sh\nexec noise dead-leaves -n 3 --first-index 1 --height 32 --width 32 -o frames/%%05d.png\n' >bin/ffmpeg
  chmod +x bin/ffmpeg
  PATH=$PWD/bin:$PATH
  for i in {1..100}; do printf '%s\n' photos/{1..3}.png; done | head -n 250 >files
  count=0 block=
  while IFS= read -r line; do
    if [ "$line" != --- ]; then
      block+=$line$'\n'
    elif [[ $block == make\ * ]]; then
      block= # of the build: the next test
    else
      # The tasks of a job array, where it is one.
      if [[ $block == *'$k'* ]]; then tasks='0 1 2'; else tasks=0; fi
      for k in $tasks; do
        k=$k bash -euo pipefail -c "$block" >out 2>err </dev/null || { printf 'does not run:\n%s' "$block"; cat err; return 1; }
      done
      count=$((count + 1)) block=
    fi
  done < <(readme_blocks)
  echo "$count blocks"
  [ "$count" -ge 7 ]
  # And does what it says.
  [ "$(tensor convert frames/00001.png | tensor info | jq -c .data_shape)" = "$(tensor info denoised-00001.png | jq -c .data_shape)" ]
  [ ! -e denoised-00000.png ]
  xargs noise gaussian --sigma 0.1 -o one-run.nst <files
  cmp all.nst one-run.nst
}

@test "README: make has the targets and variables that it names" {
  root=$BATS_TEST_DIRNAME/..
  make -s -C "$root" help | grep -oE '^  [a-z-]+' | tr -d ' ' >targets
  readme_blocks | sed -n 's/#.*//; s/^make //p' | tr ' ' '\n' | grep -vE '^(-j[0-9]*)?$' >words
  grep -v = words | sort -u >named
  [ -s named ]
  grep -vxFf targets named | diff /dev/null -
  sed -n 's/=.*//p' words | sort -u >variables
  [ -s variables ]
  while read -r variable; do grep -qE "(^|[^A-Z_])$variable([^A-Z_]|\$)" "$root/Makefile" "$root"/scripts/*.mk; done <variables
}

#!/usr/bin/env bats
# Every literal block in the EXAMPLES of the manual pages runs as it stands.
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

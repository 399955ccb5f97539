#!/usr/bin/env bats
# What holds of every program. A new program is one line in table().
load helpers

# PROGRAM KIND SUFFIX COMMAND: a command that works, with INPUT for the file that it reads, and how its -o FILE ends.
# KIND stream reads records with data, such as sample.nst; bytes too, but passes on values that it never looks at; set
# reads larger samples, more than one, without companions, set.nst; model reads model.safetensors, state the statistics of a training,
# state.safetensors.
table() {
  cat <<'END'
noise        stream .nst         noise gaussian --sigma 0.1 INPUT
noise        stream .nst         noise diffuse --schedule vp --t 0.5 INPUT
noise        set    .json        noise estimate INPUT
noise        set    .nst         noise estimate --tag INPUT
tensor       stream .nst         tensor convert INPUT
tensor       bytes  .nst         tensor cat INPUT
tensor       set    .nst         tensor subsample INPUT
metric       stream .json        metric mse INPUT
metric       set    .json        metric mmd energy-distance --reference SET INPUT
train-linear stream .safetensors train-linear gaussian --patch 3 INPUT
train-linear state  .safetensors train-linear merge INPUT
denoise      stream .nst         denoise --model MODEL INPUT
sample       model  .nst         sample --model INPUT
score        stream .nst         score --model MODEL INPUT
score        stream .json        score divergence --model MODEL INPUT
score        stream .json        score check --model MODEL INPUT
score        stream .nst         score spectrum --top 2 --tolerance 0.3 --model MODEL INPUT
END
}

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves --height 8 --width 8 | noise gaussian --sigma 0.1 --copies 2 -k -o sample.nst
  noise dead-leaves -n 2 --height 8 --width 8 | noise gaussian --sigma 0.1 --copies 2 -k -o two.nst
  noise dead-leaves -n 9 --height 64 --width 64 | noise gaussian --sigma 0.1 --copies 2 -k -o large.nst
  if command -v train-linear >/dev/null; then
    noise dead-leaves -n 9 --height 8 --width 8 | train-linear gaussian --patch 4 -o model.safetensors
    noise dead-leaves -n 9 --height 8 --width 8 | train-linear gaussian --patch 4 --state state.safetensors
  fi
  noise dead-leaves -n 3 --height 16 --width 16 | noise gaussian --sigma 0.1 -o set.nst
  record 256 '{"data":{"dtype":"F32","shape":[8,8],"data_offsets":[0,256]}}' >plain.nst
  make_lies
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  at=$BATS_FILE_TMPDIR
}

# record BYTES JSON: a record with that header, whatever it says, and as many bytes of data.
record() {
  local -i length=${#2} i
  for ((i = 0; i < 8; ++i)); do printf '%b' "$(printf '\\x%02x' $((length >> 8 * i & 255)))"; done
  printf '%b' "$2"
  head -c "$1" /dev/zero
}

# Headers that lie, each in a file of its own below lies/.
make_lies() {
  mkdir lies
  cd lies || return
  local f32='"dtype":"F32"' one='"shape":[1],"data_offsets":[0,4]'
  record 64 "{\"data\":{$f32,\"shape\":[2500000,1000000],\"data_offsets\":[0,10000000000000]}}" >ten-terabytes
  record 64 "{\"data\":{$f32,\"shape\":[16],\"data_offsets\":[0,10000000000000]}}" >ten-terabytes-by-offset
  record 64 "{\"data\":{$f32,\"shape\":[-4,-4],\"data_offsets\":[0,64]}}" >negative-shape
  record 64 "{\"data\":{$f32,\"shape\":[16],\"data_offsets\":[-64,0]}}" >negative-offset
  record 64 "{\"data\":{$f32,\"shape\":[4611686018427387905,4],\"data_offsets\":[0,16]}}" >overflow
  record 64 "{\"data\":{$f32,\"shape\":[99999999999999999999999],\"data_offsets\":[0,16]}}" >overflow-64-bits
  record 8 "{\"a\":{$f32,$one},\"data\":{$f32,$one}}" >overlap
  record 12 "{\"a\":{$f32,$one},\"data\":{$f32,\"shape\":[1],\"data_offsets\":[8,12]}}" >hole
  record 8 "{\"data\":{$f32,$one},\"data\":{$f32,\"shape\":[1],\"data_offsets\":[4,8]}}" >duplicate-tensor
  record 4 "{\"__metadata__\":{\"axes\":\"D\",\"axes\":\"D\"},\"data\":{$f32,$one}}" >duplicate-key
  record 4 "{\"data\":{$f32,$f32,$one}}" >duplicate-field
  record 4 "{\"data\":{\"dtype\":\"F33\",$one}}" >unknown-dtype
  record 4 "{\"data\":{$f32,\"colour\":\"red\",$one}}" >unknown-field
  record 4 "{\"data\":{$f32,\"shape\":[1]}}" >no-offsets
  record 4 "{\"data\":{$f32,\"shape\":[2],\"data_offsets\":[0,4]}}" >shape-against-offsets
  record 4 "{\"data\":{$f32,\"shape\":[1.0],\"data_offsets\":[0,4]}}" >fractional-shape
  record 8 "{\"data\":{$f32,$one}}" >bytes-after-the-data
  record 0 "{\"data\":{$f32,\"shape\":[0,8],\"data_offsets\":[0,0]}}" >empty-axis
  record 4 "{\"data\":{$f32,$one}" >open-brace
  record 4 "{\"data\":{$f32,$one}}x" >text-after-the-header
  record 4 '{"__metadata__":{"axes":1},"data":{'"$f32,$one}}" >metadata-number
  record 4 '{"__metadata__":{"axes":"HWC"},"data":{'"$f32,$one}}" >axes-against-shape
  record 4 '{"__metadata__":{"format":"noiseutils/2"},"data":{'"$f32,$one}}" >format-of-the-future
  record 4 '{"__metadata__":{"stream.index":"x"},"data":{'"$f32,$one}}" >index-no-number
  record 4 '{"__metadata__":{"stream.index":"3","stream.last":"1"},"data":{'"$f32,$one}}" >begins-in-the-middle
  record 4 '{"__metadata__":{"stream.index":"0"},"data":{'"$f32,$one}}" >dead-upstream
  # printf in record() counts \x.. as four characters: these write their length themselves.
  printf '\x40\0\0\0\0\0\0\0\xef\xbb\xbf%-61s\0\0\0\0' "{\"data\":{$f32,$one}}" >byte-order-mark
  printf '\x40\0\0\0\0\0\0\0%s\0\0\0\0\0\0\0\0' "{\"data\":{$f32,$one}}    " >nul-padding
  printf '\xff\xff\xff\xff\xff\xff\xff\x7f{"data"' >header-of-8-exabytes
  printf '\xff\xff\xff\x01\0\0\0\0{"data"' >header-above-max-header
  printf '\0\0\0\0\0\0\0\0' >header-of-no-bytes
  cd ..
}

# for_each KINDS FUNCTION: calls FUNCTION for every command of these kinds, with $program, $kind, $suffix and $input set;
# command_on INPUT then makes the array $call. KINDS any: all; program: the first command of each program.
for_each() {
  local line seen=' '
  while read -r program kind suffix line; do
    [ "$1" != program ] || [[ $seen != *" $program "* ]] || continue
    [[ $1 == any || $1 == program || $1 == *"$kind"* ]] || continue
    [ -x "$BUILD/bin/$program" ] || continue
    seen+="$program "
    line=${line//MODEL/$at/model.safetensors}
    read -ra template <<<"${line//SET/$at/set.nst}"
    case $kind in
      model | state) input=$at/$kind.safetensors ;;
      set) input=$at/set.nst ;;
      *) input=$at/sample.nst ;;
    esac
    echo "== $program"
    rm -rf ./*
    "$2"
  done < <(table)
}
command_on() {
  call=()
  local word
  for word in "${template[@]}"; do call+=("${word/#INPUT/$1}"); done
}

options_in() { grep -oE '(^|[^-a-zA-Z0-9])--[a-z][a-z0-9-]*' | grep -oE -- '--.*' | sort -u; }
words_of() { "$program" --help | sed -nE '/^Each /,/^$/ s/^  ([a-z0-9-]+) .*/\1/p'; }
all_help() {
  "$program" --help
  local word
  for word in $(words_of); do "$program" "$word" --help; done
}

@test "all programs: each stands in the table of this file" {
  table | cut -d " " -f 1 | sort -u >listed
  for program in "$BUILD"/bin/*; do basename "$program"; done | sort >built
  comm -13 listed built >forgotten
  diff forgotten /dev/null
}

@test "all programs: --help goes to standard output and fits 100 columns" {
  check() {
    "$program" --help >help 2>err
    [ ! -s err ]
    grep -q "^Usage: $program " help
    for word in $(words_of); do "$program" "$word" --help >>help; done
    run grep -nE '.{101}' help
    [ -z "$output" ]
  }
  for_each program check
}

@test "all programs: help and completion know the same options and words" {
  check() {
    all_help >help
    "$program" --completion >completion
    bash -n completion
    diff <(options_in <help) <(options_in <completion)
    for word in $(words_of); do grep -qE "[' ]${word}[' )]" completion; done
    # The last word of a command is completed to those that begin alike.
    bash -c 'source ./completion; COMP_WORDS=("$1" --thread); COMP_CWORD=1; "$2"; echo "${COMPREPLY[*]}"' \
      bash "$program" "_${program//-/_}" >completed
    [ "$(cat completed)" = --threads ]
  }
  for_each program check
}

@test "all programs: the manual page names the options and words of --help, and no others" {
  needs mandoc
  check() {
    page=$BATS_TEST_DIRNAME/../man/$program.1
    all_help >help
    # Long lines, since mandoc breaks them after a hyphen.
    mandoc -T ascii -O width=1000 "$page" | sed 's/.\x08//g' >text
    comm -23 <(options_in <help) <(options_in <text) >missing
    diff missing /dev/null
    sed -nE 's/^\.It Fl (. , )?-([a-z][a-z0-9-]*).*/--\2/p' "$page" | sort -u >described
    comm -13 <(options_in <help) described >unknown
    diff unknown /dev/null
    for word in $(words_of); do grep -qE "(^|[^a-z-])${word}([^a-z-]|\$)" text; done
  }
  for_each program check
}

@test "all programs: --version, and as JSON" {
  needs jq
  check() {
    "$program" --version >version
    grep -qE "^$program \(noiseutils\) [0-9]+\.[0-9]+\.[0-9]+$" version
    "$program" --version --json >json
    [ "$(jq -r .program json)" = "$program" ]
    [ "$(jq -r .wire json)" = noiseutils/1 ]
    jq -e '.version and .isa and .blas and .fft and .licence' json
  }
  for_each program check
}

@test "all programs: a usage error is one line and 64" {
  check() {
    command_on "$input"
    fails_with 64 "${call[@]}" --no-such-option
    fails_with 64 "${call[@]}" --no-such-option=3
    fails_with 64 "${call[@]}" -%
    fails_with 64 "${call[@]}" --threads
    for value in 0 -1 nan 1.5 2x '' 99999999999999999999; do fails_with 64 "${call[@]}" --threads "$value"; done
    fails_with 64 "${call[@]}" --help=yes
    fails_with 64 "$program" --threads 2 --threads 2
  }
  for_each any check
}

@test "all programs: a seed is whole, not negative and below 2^64" {
  check() {
    command_on "$input"
    "${call[0]}" "${call[1]}" --help | grep -q -- --seed || return 0
    for value in -5 18446744073709551616 nan 1e3 0x10 '' 1.0; do fails_with 64 "${call[@]}" --seed "$value"; done
    "${call[@]}" --seed 18446744073709551615 >out
  }
  for_each any check
}

@test "all programs: what standard output refuses is an error, 74" {
  check() {
    command_on "$input"
    for words in --help --version --completion; do
      status=0
      "$program" $words >/dev/full 2>err || status=$?
      [ "$status" -eq 74 ]
      one_line err
    done
    status=0
    "${call[@]}" >/dev/full 2>err || status=$?
    [ "$status" -eq 74 ]
    one_line err
    ln -s /dev/full full"$suffix"
    fails_with 74 "${call[@]}" -o full"$suffix"
    status=0
    "${call[@]}" >&- 2>err || status=$?
    [ "$status" -eq 74 ]
  }
  for_each any check
}

@test "all programs: a closed pipe ends them silently, by its signal" {
  check() {
    command_on "$input"
    mkfifo pipe
    exec 8<>pipe 9>pipe 8>&- # a pipe whose last reader has gone
    status=0
    "${call[@]}" >&9 2>err || status=$?
    exec 9>&-
    [ "$status" -eq 141 ]
    [ ! -s err ]
  }
  for_each any check
}

@test "all programs: a disk that is full leaves no file" {
  check() {
    command_on "$input"
    "${call[@]}" -o whole"$suffix"
    size=$(stat -c %s whole"$suffix")
    # A limit on file sizes, in units of 1 KiB, stands in for the disk; a file below that fits.
    [ "$size" -gt 1024 ] || return 0
    status=0
    (ulimit -f 1 && exec "${call[@]}" -o cut"$suffix") 2>err || status=$?
    [ "$status" -eq 74 ]
    one_line err
    [ "$(echo cut*)" = 'cut*' ]
  }
  for_each any check
}

@test "all programs: -o into a folder that is not there is 73" {
  check() {
    command_on "$input"
    fails_with 73 "${call[@]}" -o missing/out"$suffix"
  }
  for_each any check
}

@test "all programs: -o makes the file whole, says nothing, and leaves nothing beside it" {
  check() {
    command_on "$input"
    "${call[@]}" -o out"$suffix" >stdout 2>stderr
    [ ! -s stdout ]
    [ ! -s stderr ]
    [ -s out"$suffix" ]
    [ "$(echo out*)" = out"$suffix" ]
  }
  for_each any check
}

# A library that notes each fsync and rename in the file $SYNCS: the call, the size of the file (-1: a folder), its name.
build_syncs() {
  cat >syncs.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
static void note(const char* call, const char* name) {
  struct stat status = {0};
  stat(name, &status);
  FILE* log = fopen(getenv("SYNCS"), "a");
  fprintf(log, "%s %lld %s\n", call, S_ISDIR(status.st_mode) ? -1LL : (long long)status.st_size, name);
  fclose(log);
}
static int sync_of(const char* call, int descriptor) {
  char link[64], name[4096] = {0};
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  if (readlink(link, name, sizeof name - 1) > 0) note("sync", name);
  return ((int (*)(int))dlsym(RTLD_NEXT, call))(descriptor);
}
int fsync(int descriptor) { return sync_of("fsync", descriptor); }
int fdatasync(int descriptor) { return sync_of("fdatasync", descriptor); }
int rename(const char* from, const char* to) {
  note("rename", from);
  return ((int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename"))(from, to);
}
END
  "${CC:-cc}" -shared -fPIC syncs.c -o "$1" -ldl
}

@test "all programs: -o FILE is on the disk, all of it, before it takes its name; then the name is" {
  without_sanitizers
  needs "${CC:-cc}"
  build_syncs "$at/syncs.so"
  check() {
    command_on "$input"
    SYNCS=$PWD/log LD_PRELOAD=$at/syncs.so "${call[@]}" -o out"$suffix"
    cat log
    size=$(stat -c %s out"$suffix")
    printf '%s\n' "sync $size out$suffix.partial" "rename $size out$suffix.partial" "sync -1 ${PWD##*/}" >expected
    # What it syncs besides is its own affair.
    sed -E 's, [^ ]*/, ,' log | grep -xFf expected | diff expected -
  }
  for_each any check
}

# No file out*; starts no program.
nothing_left() {
  local left=(out*)
  [ "${left[*]}" = 'out*' ]
}

# refused: the call on $bad ends with 65 and one line, and leaves no output file.
refused() {
  command_on "$bad"
  fails_with 65 "${call[@]}" -o out"$suffix" || { echo "input: $bad"; return 1; }
  nothing_left || { ls -l out*; return 1; }
}

@test "all programs: empty input and garbage are 65" {
  check() {
    : >empty
    yes garbage | head -c 5000 >garbage
    tr '\0' '\377' </dev/zero | head -c 5000 >ones
    head -c 5000 /dev/zero >zeros
    for bad in empty garbage ones zeros /dev/null; do refused; done
  }
  for_each any check
}

@test "all programs: input cut short is 65, and leaves no file" {
  check() {
    size=$(stat -c %s "$input")
    step=$((size / 30))
    for ((at_byte = 1; at_byte < size; at_byte += step)); do
      head -c "$at_byte" "$input" >short
      bad=short
      refused
    done
    head -c $((size - 1)) "$input" >short
    refused
  }
  for_each any check
}

@test "all programs: input cut short on a pipe is 65" {
  check() {
    size=$(stat -c %s "$input")
    command_on -
    for ((at_byte = 0; at_byte < size; at_byte += 149)); do
      status=0
      head -c "$at_byte" "$input" | "${call[@]}" >out 2>err || status=$?
      [ "$status" -eq 65 ]
      one_line err
    done
  }
  for_each stream,bytes check
}

@test "all programs: an input that is missing, or a folder, is 66" {
  check() {
    mkdir folder
    for bad in missing folder; do
      command_on "$bad"
      fails_with 66 "${call[@]}" -o out"$suffix"
      grep -q "$bad" fails.err
      nothing_left
    done
    fails_with 66 "${template[@]/#INPUT/$input}" --threads 1 -o out"$suffix" -- missing || [ "$kind" = model ]
  }
  for_each any check
}

@test "all programs: an input without permission is 66" {
  as_everyone=()
  if [ "$(id -u)" -eq 0 ]; then # root may read everything, unless it gives up the right to
    needs setpriv
    as_everyone=(setpriv --bounding-set="-dac_override,-dac_read_search")
    "${as_everyone[@]}" "$BUILD/bin/tensor" --version || skip "root cannot give up its rights here"
  fi
  check() {
    cp "$input" closed
    chmod 0 closed
    command_on closed
    fails_with 66 "${as_everyone[@]}" "${call[@]}"
    grep -q closed fails.err
  }
  for_each any check
}

@test "all programs: a terminal as input is a usage error" {
  needs script
  check() {
    command_on -
    script -qec "$(printf '%q ' "${call[@]}") >out; echo status \$?" /dev/null </dev/null >log
    grep -q 'status 64' log
  }
  for_each stream,bytes check
}

@test "all programs: a terminal gets nothing binary, and no colours where NO_COLOR is set" {
  needs script
  export NO_COLOR=1
  check() {
    command_on "$input"
    words=$(printf '%q ' "${call[@]}")
    script -qec "$words; echo status \$?" /dev/null </dev/null >log
    case $suffix in .json) grep -q 'status 0' log ;; *) grep -q 'status 64' log ;; esac
    script -qec "$program --help; $words >out" /dev/null </dev/null >>log
    [ -s out ]
    ! grep -q $'\e\\[[0-9;]*m' log || return 1
  }
  for_each any check
}

@test "all programs: nothing on standard error when all is well; --progress=line leaves the output as it is" {
  check() {
    command_on "$input"
    "${call[@]}" >plain 2>err
    for option in --help --version --completion; do "$program" $option >text 2>>err; done
    [ ! -s err ]
    "$program" "${call[1]}" --help | grep -q -- --progress || return 0
    "${call[@]}" --progress=none >none 2>err
    [ ! -s err ]
    cmp plain none
    "${call[@]}" --progress=line >lines 2>err
    cmp plain lines
    ! grep -v ' samples' err || return 1
  }
  for_each any check
}

@test "all programs: --seed random differs from run to run, and the seed on record makes the same bytes" {
  check() {
    command_on "$input"
    case ${call[1]} in estimate | mmd | divergence | check) return ;; esac # draw nothing, or write no record
    "${call[0]}" "${call[1]}" --help | grep -q -- --seed || return 0
    "${call[@]}" --seed random >first
    "${call[@]}" --seed random >second
    seed=$(tensor history first | grep -oE '[0-9]+$' | sort -u)
    [ "$seed" != "$(tensor history second | grep -oE '[0-9]+$' | sort -u)" ]
    "${call[@]}" --seed "$seed" >again
    cmp first again
    # Values too, not only what is written about them; a model without --sketch has none that are drawn.
    [ "$program" != train-linear ] || return 0
    tensor convert first -o first.npy
    tensor convert second -o second.npy
    ! cmp -s first.npy second.npy || return 1
  }
  for_each any check
}

@test "all programs: out of memory is 71" {
  without_sanitizers
  # 8 GB that take no room on the disk, and 400 MB of addresses, which are enough for the programs themselves.
  record 0 "$(printf '%-119s' '{"data":{"dtype":"F32","shape":[40000,50000],"data_offsets":[0,8000000000]}}')" >"$at/sparse.nst"
  truncate -s $((8 + 119 + 8000000000)) "$at/sparse.nst"
  check() {
    command_on "$at/sparse.nst"
    (ulimit -v 400000 && "$program" --version && fails_with 71 "${call[@]}" -o out"$suffix")
    nothing_left
    [ "$kind" != model ] || return 0
    command_on -
    status=0
    cat "$at/sparse.nst" | (ulimit -v 400000 && exec "${call[@]}") >out 2>err || status=$?
    [ "$status" -eq 71 ]
    one_line err
  }
  for_each any check
}

@test "all programs: the same bytes from a file, from standard input, and with one thread or two" {
  check() {
    input=${input/sample/large}
    command_on "$input"
    "${call[@]}" --threads 1 >one
    "${call[@]}" --threads 2 >two
    cmp one two
    [ -s one ]
    [ "$kind" != model ] || return 0
    command_on -
    "${call[@]}" <"$input" >redirected
    cmp one redirected
    cat "$input" | "${call[@]}" >piped
    cmp one piped
  }
  for_each any check
}

@test "all programs: NaN in the input is 65 unless --allow-nonfinite" {
  check() {
    size=$(stat -c %s "$input")
    # Of sample.nst the last 256 bytes are reference.1, the 256 before it data.
    last=$size
    [ "$kind" != stream ] || last=$((size - 256))
    for value in '\xff\xff\xff\xff\xff\xff\xff\xff' '\0\0\x80\x7f\0\0\x80\x7f'; do
      cp "$input" bad
      printf "$value" | dd of=bad bs=1 seek=$((last - 8)) conv=notrunc status=none
      bad=bad
      # Which numbers in a model are floats is its own affair; all ones are NaN in any type of float.
      [ "$kind" != stream ] && [[ $value == '\0'* ]] || refused
      "$program" --help | grep -q -- --allow-nonfinite || continue
      "${call[@]}" --allow-nonfinite >accepted
    done
  }
  for_each stream,model,state check
}

@test "all programs: an upstream that died is 65" {
  check() {
    local length
    length=$(od -A n -t u8 -N 8 "$at/two.nst")
    head -c $((8 + length + 3 * 256)) "$at/two.nst" >bad
    bad=bad
    refused
    grep -q 'ended early' fails.err
    cat "$at/two.nst" bad >later
    bad=later
    refused
    status=0
    command_on -
    cat bad | "${call[@]}" >out 2>err || status=$?
    [ "$status" -eq 65 ]
    grep -q 'ended early' err
  }
  for_each stream,bytes check
}

@test "all programs: a format of the future is refused by name" {
  check() {
    sed 's,noiseutils/1,noiseutils/2,g' "$input" >bad
    if cmp -s bad "$input"; then return 0; fi
    bad=bad
    refused
    grep -q 'noiseutils/2' fails.err
  }
  for_each any check
}

@test "all programs: a header that lies is 65, from a file and from a pipe" {
  check() {
    for bad in "$at"/lies/*; do
      case $kind-${bad##*/} in bytes-axes-against-shape | bytes-empty-axis) continue ;; esac
      refused
      [ "$kind" != model ] || continue
      command_on -
      status=0
      cat "$bad" | "${call[@]}" >piped 2>err || status=$?
      [ "$status" -eq 65 ] || { echo "$bad on a pipe: status $status"; return 1; }
      one_line err
    done
  }
  for_each stream,bytes,model,state check
}

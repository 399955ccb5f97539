#!/usr/bin/env bats
# --progress=line speaks every ten seconds: this test waits for it.
load ../helpers

@test "--progress=line: a line on standard error now and then, what the run took at its end, the bytes of standard output as without" {
  cd "$BATS_TEST_TMPDIR"
  noise dead-leaves --height 8 --width 8 | noise gaussian --sigma 0.1 -o one.nst
  train-linear gaussian --patch 4 one.nst -o model.safetensors
  slow_input() {
    cat one.nst
    sleep 10.5
    cat one.nst
  }
  cat one.nst one.nst >both.nst
  commands=("noise gaussian --sigma 0.1" "denoise --model model.safetensors" "score --model model.safetensors")
  jobs=()
  for i in "${!commands[@]}"; do
    # shellcheck disable=SC2086
    (slow_input | ${commands[i]} --progress=line >"lines-$i" 2>"err-$i") &
    jobs+=($!)
    (slow_input | ${commands[i]} >"auto-$i" 2>"quiet-$i") &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job"; done
  for i in "${!commands[@]}"; do
    # shellcheck disable=SC2086
    ${commands[i]} both.nst >plain
    cmp plain "lines-$i"
    cmp plain "auto-$i"
    [ ! -s "quiet-$i" ]
    cat "err-$i"
    [ "$(wc -l <"err-$i")" -eq 2 ]
    head -n 1 "err-$i" | grep -qE "^${commands[i]%% *}.*: 2.* samples, "
    tail -n 1 "err-$i" | grep -qE "^${commands[i]%% *}.*: done, 2 samples, .* read, .* s, .* s of processors, .* of memory$"
  done
}

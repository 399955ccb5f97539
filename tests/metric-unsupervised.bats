#!/usr/bin/env bats
# Metrics without a clean reference, from the shell.
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

# captures N [OPTION...]: N noisy images of one scene as c-0.nst, c-1.nst ...
captures() {
  local n=$1 i
  shift
  [ -e scene.nst ] || noise dead-leaves --height 96 --width 96 --rmin 8 -o scene.nst
  for ((i = 0; i < n; ++i)); do noise gaussian --sigma 0.1 "$@" --seed "$i" scene.nst -o "c-$i.nst"; done
}

@test "metric umse-pairs: from two references, three and four it is numpy's formula" {
  needs numpy
  noise dead-leaves -n 2 --height 40 --width 50 --axes HW | noise gaussian --sigma 0.2 --copies 5 -o x.nst
  for k in 2 3 4; do
    refs=()
    for i in $(seq 1 "$k"); do refs+=(--reference "r$i.npy"); done
    tensor stack x.nst -o x.safetensors
    py - "$k" <<'PY'
import json, struct, sys
import numpy as np
k = int(sys.argv[1])
raw = open("x.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8:8 + size])
def get(name):
    a, b = header[name]["data_offsets"]
    return np.frombuffer(raw[8 + size + a:8 + size + b], "<f4").reshape(header[name]["shape"])
f = get("data"); np.save("f.npy", f)
r = [get(f"reference.{i + 1}") for i in range(k)]
for i, x in enumerate(r): np.save(f"r{i + 1}.npy", x)
PY
    metric umse-pairs "${refs[@]}" f.npy >rows
    [ "$(wc -l <rows)" -eq 2 ]
    py - "$k" <<'PY'
import json, sys
import numpy as np
k = int(sys.argv[1])
f = np.load("f.npy").astype(float)
d = [np.load(f"r{i + 1}.npy") - f for i in range(k)]
u = sum(d[i] * d[j] for i in range(k) for j in range(i)) / (k * (k - 1) / 2)
for row, value in zip(map(json.loads, open("rows")), u.mean((1, 2))):
    assert abs(row["umse-pairs"] / value - 1) < 1e-9, (row, value)
    assert row["umse-pairs_low"] < value < row["umse-pairs_high"] and row["warnings"] == ""
PY
  done
}

@test "metric: intervals by --interval, --confidence, --block, --resamples and --seed" {
  captures 4
  refs=(--reference c-1.nst --reference c-2.nst --reference c-3.nst)
  metric umse-pairs "${refs[@]}" c-0.nst >normal
  metric umse-pairs "${refs[@]}" --confidence 0.5 c-0.nst >half
  awk -v a="$(jq '."umse-pairs_high" - ."umse-pairs"' normal)" -v b="$(jq '."umse-pairs_high" - ."umse-pairs"' half)" \
    'BEGIN { r = b / a; exit !(r > .344 && r < .3442) }'
  metric umse-pairs "${refs[@]}" --interval none c-0.nst >none
  [ "$(jq -c keys none)" = '["id","index","umse-pairs","warnings"]' ]
  metric umse-pairs "${refs[@]}" --interval bootstrap --threads 1 c-0.nst >one
  metric umse-pairs "${refs[@]}" --interval bootstrap --threads 2 c-0.nst | cmp - one
  metric umse-pairs "${refs[@]}" --interval bootstrap --seed 1 c-0.nst >other
  [ "$(cat one)" != "$(cat other)" ]
  close_to "$(jq '."umse-pairs_stderr"' one)" "$(jq '."umse-pairs_stderr"' normal)" 1e-12
  fails_with 64 metric umse-pairs "${refs[@]}" --interval bootstrap --resamples 3 c-0.nst
  fails_with 64 metric umse-pairs "${refs[@]}" --block 0 c-0.nst
  fails_with 64 metric umse-pairs "${refs[@]}" --interval magic c-0.nst
  fails_with 64 metric mse --interval none --reference c-1.nst c-0.nst
  metric upsnr --form three "${refs[@]}" --range 1 c-0.nst >three
  metric umse "${refs[@]}" c-0.nst >umse
  close_to "$(value upsnr three)" "$(jq '-10 * (.umse | log10)' umse)" 1e-9
}

@test "metric: bad references are refused, by name" {
  needs numpy
  captures 3
  r() { printf -- '--reference %s ' "$@"; }
  noise dead-leaves --height 50 --width 96 -o small.nst
  # shellcheck disable=SC2046
  {
    fails_with 64 metric upsnr $(r c-1.nst) c-0.nst
    grep -q 'given 1 time; these metrics take it 2 times or more' fails.err
    fails_with 64 metric umse $(r c-1.nst c-2.nst) c-0.nst
    fails_with 65 metric upsnr $(r c-1.nst small.nst) c-0.nst
    grep -q 'data has shape \[96,96\], reference.2 \[50,96\]' fails.err
    fails_with 65 metric upsnr $(r c-1.nst c-1.nst) c-0.nst
    grep -q 'reference.1 and reference.2 are equal' fails.err
    fails_with 65 metric upsnr $(r c-1.nst c-0.nst) c-0.nst
    grep -q 'reference.2 equals data' fails.err
    py -c "
import numpy as np
r = np.random.default_rng(0); x = r.random((16, 16)); np.save('x.npy', x); np.save('y.npy', x + r.random((16, 16)))
np.save('copy.npy', x + 0.5); np.save('flat.npy', np.ones((16, 16))); np.save('f.npy', r.random((16, 16)))
x[3, 4] = np.nan; np.save('nan.npy', x); np.save('counts.npy', 255 * r.random((16, 16)))"
    fails_with 65 metric umse-pairs $(r x.npy copy.npy) f.npy
    grep -q 'differ by a constant' fails.err
    fails_with 65 metric umse-pairs $(r x.npy flat.npy) f.npy
    grep -q 'reference.2 is constant' fails.err
    fails_with 65 metric umse-pairs $(r x.npy nan.npy) f.npy
    grep -q 'reference.2 is not finite at element 52' fails.err
    metric umse-pairs $(r x.npy y.npy) flat.npy >row 2>err
    [[ $(value warnings row) == *constant* ]]
  }
  noise gaussian --sigma 5 --copies 3 --raw --axes HW counts.npy | fails_with 65 metric upsnr --range 1
  grep -q 'range 1 contradicts the data' fails.err
  fails_with 65 metric upsnr --range 1 c-0.nst
  grep -q 'needs two noisy references' fails.err
}

@test "metric: warnings are said on standard error and in the row" {
  captures 3
  noise gaussian --sigma 0.2 --seed 9 scene.nst -o loud.nst
  metric umse --reference loud.nst --reference c-1.nst --reference c-2.nst c-0.nst >row 2>err
  [ "$(value warnings row)" = variances ]
  grep -q '^metric: warning: sample .*not equally far' err
  # 0.2^2 - 0.1^2, found within a fifth
  close_to "$(value umse_bias row)" 0.03 0.006
  metric umse-pairs --reference loud.nst --reference c-1.nst --reference c-2.nst c-0.nst >row 2>err
  [ "$(value warnings row)" = "" ]
  [ ! -s err ]
  tensor stack c-1.nst c-1.nst c-1.nst c-1.nst c-1.nst c-1.nst c-1.nst -o a.nst
  for n in 0 2; do tensor stack c-$n.nst c-$n.nst c-$n.nst c-$n.nst c-$n.nst c-$n.nst c-$n.nst -o $n.nst; done
  for i in 1 2 3 4 5 6 7; do cat loud.nst; done | tensor cat --restream -o loud7.nst
  metric umse --summary --reference loud7.nst --reference a.nst --reference 2.nst 0.nst >row 2>err
  [ "$(wc -l <err)" -eq 6 ]
  grep -q 'warning: 2 more' err
  [ "$(value warned row)" = 7 ]
}

@test "metric: a drift between references is found, and what it moves bounded" {
  needs numpy
  py -c "
import numpy as np
r = np.random.default_rng(0)
y, x = np.mgrid[:160, :160]
scene = lambda s: .5 + .2 * np.sin(.3 * (x + s)) + .2 * np.cos(.25 * y)
np.save('f', scene(0) + .01 * r.standard_normal(x.shape))
for name, s in (('a', 0), ('b', .8), ('c', 0)): np.save(name, scene(s) + .05 * r.standard_normal(x.shape))"
  metric umse-pairs --reference a.npy --reference c.npy f.npy >sound 2>err
  [ ! -s err ]
  metric umse-pairs --reference a.npy --reference b.npy f.npy >row 2>err
  [[ $(value warnings row) == *drift* ]]
  grep -q 'shifted by about 0\.[678]' err
  # The bound holds what the drift moved.
  jq -en --slurpfile a sound --slurpfile b row \
    '($a[0]["umse-pairs"] - $b[0]["umse-pairs"] | fabs) < $b[0]["umse-pairs_bias"] + ($b[0]["umse-pairs_high"] - $b[0]["umse-pairs"])'
}

@test "metric --frames: neighbouring samples of a stack, and frames of an axis T, are the references" {
  captures 5
  tensor cat c-*.nst --restream -o stack.nst
  metric umse-pairs --frames --reference stack.nst stack.nst >rows
  [ "$(wc -l <rows)" -eq 5 ]
  metric umse-pairs --reference c-1.nst --reference c-2.nst c-0.nst >first
  metric umse-pairs --reference c-4.nst --reference c-2.nst c-3.nst >fourth
  metric umse-pairs --reference c-3.nst --reference c-2.nst c-4.nst >fifth
  [ "$(jq '."umse-pairs"' rows | sed -n '1p;4p;5p')" = "$(jq '."umse-pairs"' first fourth fifth)" ]
  # One sample of five frames pools them, and counts their variance twice, as the summary of the stream does.
  metric umse-pairs --frames --summary --reference stack.nst stack.nst >summary
  tensor stack stack.nst | tensor convert --axes THW -o batch.npy
  metric umse-pairs --frames --axes THW --reference batch.npy batch.npy >frames
  for key in umse-pairs umse-pairs_low umse-pairs_stderr; do
    close_to "$(jq ".\"$key\"" frames)" "$(jq ".\"$key\"" summary)" 1e-9
  done
  fails_with 65 metric umse-pairs --frames --reference <(tensor head -n 2 stack.nst) <(tensor head -n 2 stack.nst)
  grep -q 'at least three frames' fails.err
  fails_with 65 metric umse-pairs --summary --frames --reference stack.nst <(tensor head -n 4 stack.nst)
  fails_with 64 metric umse-pairs --frames --reference c-0.nst --reference c-1.nst c-2.nst
  fails_with 64 metric umse --frames --reference stack.nst stack.nst
  fails_with 64 metric mse --frames --reference stack.nst stack.nst
  fails_with 65 metric umse-pairs --frames stack.nst
}

@test "metric --subsample: as tensor subsample, which carries clean along; the bias is estimated and said" {
  noise dead-leaves -n 2 --height 96 --width 120 -o clean.nst
  noise gaussian --sigma 0.1 -k clean.nst -o one.nst
  tensor subsample --seed 3 one.nst >parts.nst
  [ "$(tensor info parts.nst | head -n 1 | jq -c '[.data_shape, ."reference.3_shape", .clean_shape]' | tr -d '"')" = '[[48,60],[48,60],[48,60]]' ]
  metric umse-pairs mse parts.nst >rows 2>err
  grep -q 'neighbouring elements of the scene differ' err
  [ "$(value warnings rows)" = subsample ]
  metric umse-pairs mse --subsample --seed 3 one.nst 2>/dev/null | cmp - rows
  tensor stack one.nst | tensor subsample --seed 3 | metric umse-pairs mse 2>/dev/null | cmp - rows
  # What it is off by, and by how much it is said to be off, are of one size: within a factor of four.
  jq -e '(."umse-pairs" - .mse) / ."umse-pairs_bias" | . > 0.25 and . < 4' rows
  fails_with 64 metric umse-pairs --subsample --reference one.nst one.nst
  fails_with 65 metric umse-pairs --subsample parts.nst
  grep -q 'has reference.1 already' fails.err
  fails_with 65 tensor subsample parts.nst
}

@test "metric compare: better by a clean reference, by noisy ones, and not when equal" {
  captures 4
  noise gaussian --sigma 0.05 --seed 7 scene.nst -o good.nst
  noise gaussian --sigma 0.08 --seed 8 scene.nst -o bad.nst
  metric compare --a good.nst --b bad.nst --reference scene.nst >clean
  [ "$(value better clean)" = yes ]
  [ "$(value metric clean)" = mse ]
  metric mse --reference scene.nst good.nst >good
  metric mse --reference scene.nst bad.nst >bad
  close_to "$(value difference clean)" "$(jq -n --slurpfile a good --slurpfile b bad '$a[0].mse - $b[0].mse')" 1e-12
  metric compare --a good.nst --b bad.nst --reference c-1.nst --reference c-2.nst >noisy
  [ "$(value metric noisy)" = umse-pairs ]
  [ "$(value better noisy)" = yes ]
  jq -en --slurpfile a clean --slurpfile b noisy '$b[0].difference_low < $a[0].difference and $a[0].difference < $b[0].difference_high'
  metric compare psnr --range 1 --a good.nst --b bad.nst --reference scene.nst >db
  close_to "$(value difference db)" "$(jq -n --slurpfile a good --slurpfile b bad '10 * (($b[0].mse / $a[0].mse) | log10)')" 1e-9
  status=0
  metric compare --a bad.nst --b good.nst --reference scene.nst >worse 2>err || status=$?
  [ "$status" -eq 1 ]
  one_line err
  [ "$(value better worse)" = no ]
  status=0
  metric compare --a good.nst --b good.nst --reference scene.nst >same 2>err || status=$?
  [ "$status" -eq 1 ]
  [ "$(value p same)" = 1 ]
  fails_with 64 metric compare --a good.nst
  fails_with 64 metric compare mse psnr --a good.nst --b bad.nst --reference scene.nst
  fails_with 64 metric mse compare --a good.nst --b bad.nst
  fails_with 65 metric compare --a good.nst --b <(noise dead-leaves --height 9 --width 9) --reference scene.nst
  fails_with 66 metric compare --a absent.nst --b bad.nst
}

@test "metric compare: any metric, by samples; p of sign flips" {
  noise dead-leaves -n 8 --height 32 --width 32 -o clean.nst
  noise gaussian --sigma 0.05 -k clean.nst -o a.nst
  noise gaussian --sigma 0.2 --seed 1 clean.nst -o b.nst
  metric compare ssim --a a.nst --b b.nst >row
  [ "$(value unit row)" = sample ]
  [ "$(value better row)" = yes ]
  # Eight differences of one sign: 2 of 256 signings are as large.
  close_to "$(value p row)" 0.0078 0.009
  metric compare mse --unit sample --a a.nst --b b.nst --threads 1 >one
  metric compare mse --unit sample --a a.nst --b b.nst --threads 2 | cmp - one
  fails_with 64 metric compare ssim --unit block --a a.nst --b b.nst
}

@test "metric merge: the states of an array job give the row of the single run" {
  noise dead-leaves -n 6 --height 48 --width 48 -o clean.nst
  noise gaussian --sigma 0.1 --copies 4 -k clean.nst -o x.nst
  words=(mse psnr umse umse-pairs upsnr --interval bootstrap)
  metric "${words[@]}" --summary --state whole.json x.nst >whole
  for k in 0 1 2; do
    tensor slice --from $((2 * k)) --to $((2 * k + 2)) x.nst |
      metric "${words[@]}" --first-index $((2 * k)) --state "part-$k.json" >rows-$k
  done
  cat rows-* | cmp - <(metric "${words[@]}" x.nst)
  metric merge part-*.json >merged
  jq -en --slurpfile a whole --slurpfile b merged '$b[0] | to_entries | all(.value as $v | ($a[0][.key] - $v | fabs) <= 1e-12 * ($v | fabs))'
  [ "$(jq 'length' merged)" -gt 15 ]
  metric merge whole.json | cmp - <(jq -c 'del(.warned)' whole)
  metric "${words[@]}" --confidence 0.9 --state other.json x.nst >/dev/null
  fails_with 65 metric merge part-0.json other.json
  grep -q 'other.json: umse was measured with other options' fails.err
  metric mse --state mse.json x.nst >/dev/null
  fails_with 65 metric merge part-0.json mse.json
  fails_with 65 metric merge x.nst
  size=$(stat -c %s whole.json)
  for ((at_byte = 0; at_byte < size - 2; at_byte += size / 8)); do
    head -c "$at_byte" whole.json >cut.json
    fails_with 65 metric merge cut.json
  done
  for count in -1 1.5 18446744073709551615 '"6"'; do
    sed "s/\"samples\":6/\"samples\":$count/" whole.json >lie.json
    fails_with 65 metric merge lie.json
  done
  fails_with 64 metric merge
  fails_with 66 metric merge absent.json
  metric psnr --min-psnr 40 --state strict.json x.nst >/dev/null 2>&1 || true
  status=0
  metric merge strict.json >row 2>err || status=$?
  [ "$status" -eq 1 ]
}

@test "metric --per-record: one row a record, pooled" {
  noise dead-leaves -n 5 --height 32 --width 32 | noise gaussian --sigma 0.1 -k -o x.nst
  tensor stack -n 2 x.nst >batches.nst
  metric psnr --per-record batches.nst >rows
  [ "$(jq -c .samples rows | tr '\n' ' ')" = "2 2 1 " ]
  tensor slice --from 2 --to 4 x.nst | metric psnr --summary | cmp - <(sed -n 2p rows)
  fails_with 64 metric psnr --summary --per-record x.nst
}

@test "metric compare: what cannot be compared is refused with its reason" {
  noise dead-leaves -n 2 --height 32 --width 32 -o scene.nst
  noise gaussian --sigma 0.1 --seed 1 scene.nst -o a.nst
  noise gaussian --sigma 0.1 --seed 2 scene.nst -o b.nst
  noise gaussian --sigma 0.1 --seed 3 scene.nst -o c.nst
  fails_with 65 metric compare --a c.nst --b a.nst --reference a.nst --reference b.nst
  grep -q 'equals --b' fails.err
  fails_with 65 metric compare --a a.nst --b c.nst --reference a.nst --reference b.nst
  fails_with 64 metric compare sure --sigma 0.1 --a a.nst --b b.nst
  grep -q 'runs a denoiser' fails.err
  fails_with 64 metric compare nonsense --a a.nst --b b.nst
  grep -q 'nonsense' fails.err
  fails_with 65 metric compare snr --reference scene.nst --a scene.nst --b b.nst
  grep -q 'snr of --a is inf' fails.err
  tensor head -n 1 b.nst -o one.nst
  fails_with 65 metric compare --reference scene.nst --a one.nst --b b.nst
  fails_with 65 metric compare --reference scene.nst --a b.nst --b one.nst
  grep -q -- '--b has only 1 sample' fails.err
}

@test "metric compare: of frc more is better" {
  noise dead-leaves -n 8 --height 32 --width 32 -o scene.nst
  noise gaussian --sigma 0.05 scene.nst -o good.nst
  noise gaussian --sigma 0.5 scene.nst -o bad.nst
  metric compare frc --reference scene.nst --a good.nst --b bad.nst >row
  jq -e '.better == "yes" and .difference > 0' row
}

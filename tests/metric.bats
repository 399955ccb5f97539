#!/usr/bin/env bats
load helpers

# arrays STATEMENTS: runs Python with numpy as np; arrays are saved with np.save.
arrays() { py -c "import numpy as np; r = np.random.default_rng(1); $1"; }

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "metric: mse, rmse, mae, psnr and ssim are those of numpy" {
  needs numpy
  arrays "x = r.random((3, 40, 57), dtype='f4'); np.save('x.npy', x)
np.save('y.npy', x + .1 * r.standard_normal(x.shape, dtype='f4'))"
  metric mse rmse mae psnr ssim --range 2 --reference x.npy y.npy >rows
  py - rows <<'PY'
import json, sys
import numpy as np

def smooth(image):
    w = np.exp(-.5 * (np.arange(-5, 6) / 1.5) ** 2)
    w /= w.sum()
    image = sum(w[k] * image[k:image.shape[0] - 10 + k] for k in range(11))
    return sum(w[k] * image[:, k:image.shape[1] - 10 + k] for k in range(11))

X, Y = np.load("x.npy").astype(float), np.load("y.npy").astype(float)
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == 3
for i, (row, x, y) in enumerate(zip(rows, X, Y)):
    mx, my = smooth(x), smooth(y)
    vx, vy, v = smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my
    ssim = ((2 * mx * my + .02 ** 2) * (2 * v + .06 ** 2) / ((mx ** 2 + my ** 2 + .02 ** 2) * (vx + vy + .06 ** 2))).mean()
    mse = ((x - y) ** 2).mean()
    truth = {"mse": mse, "rmse": mse ** .5, "mae": abs(x - y).mean(), "psnr": 10 * np.log10(4 / mse), "ssim": ssim}
    assert list(row) == ["id", "index", *truth] and row["index"] == i, row
    for key, value in truth.items():
        assert abs(row[key] / value - 1) < 1e-11, (key, row[key], value)
PY
}

@test "metric psnr: of 8-bit images it is that of pnmpsnr and of ImageMagick" {
  needs numpy pnmpsnr compare
  arrays "
a = r.integers(0, 256, (48, 64)); b = np.clip(a + r.integers(-9, 10, a.shape), 0, 255)
for name, image in (('a', a), ('b', b)):
    open(name + '.pgm', 'wb').write(b'P5 64 48 255 ' + image.astype('u1').tobytes())"
  metric psnr --reference a.pgm b.pgm >row
  close_to "$(value psnr row)" "$(pnmpsnr a.pgm b.pgm 2>&1 | grep -o '[0-9.]* dB' | head -n 1 | cut -d' ' -f1)" 0.006
  close_to "$(value psnr row)" "$(compare -metric PSNR a.pgm b.pgm null: 2>&1 || true)" 0.001
}

@test "metric: a sample against itself is inf dB, and ssim 1" {
  noise dead-leaves --height 32 --width 40 -o x.nst
  metric psnr ssim --reference x.nst x.nst >row
  [ "$(value psnr row)" = inf ]
  close_to "$(value ssim row)" 1 1e-12
}

@test "metric: clean and references travel with the record" {
  noise dead-leaves -n 3 --height 64 --width 64 -o clean.nst
  noise gaussian --sigma 25/255 --copies 4 -k clean.nst -o noisy.nst
  metric psnr ssim upsnr noisy.nst >rows
  [ "$(wc -l <rows)" -eq 3 ]
  # sigma 25 of 255 is 20.17 dB; 4096 pixels: 0.1 dB is about one standard error
  close_to "$(value psnr rows)" 20.17 0.4
  close_to "$(value upsnr rows)" "$(value psnr rows)" 0.8
  metric psnr ssim --reference clean.nst noisy.nst >again
  jq -c 'del(.upsnr, .upsnr_low, .upsnr_high, .upsnr_stderr, .upsnr_bias, .warnings)' rows | cmp - <(jq -c . again)
  tensor stack noisy.nst | metric psnr ssim upsnr | cmp - rows
}

@test "metric umse: the worked example, by three --reference" {
  needs numpy
  arrays "
for name, v in (('f', (1, 2, 3, 4)), ('a', (1.5, 1.5, 3.5, 3)), ('b', (.5, 2.5, 2.5, 5)), ('c', (1, 2, 4, 4))):
    np.save(name, np.array(v, float))"
  metric umse upsnr --form three --range 5 --reference a.npy --reference b.npy --reference c.npy f.npy >row 2>err
  [ "$(value umse row)" = -0.03125 ]
  [ "$(value upsnr row)" = nan ]
  [ "$(value upsnr_high row)" = inf ]
  fails_with 65 metric umse --reference a.npy --reference b.npy --reference b.npy f.npy
  grep -q 'reference.2 and reference.3 are equal' fails.err
  fails_with 65 metric umse --reference a.npy --reference f.npy --reference b.npy f.npy
  grep -q 'reference.2 equals data' fails.err
  fails_with 64 metric umse --reference a.npy --reference b.npy f.npy
  metric umse-pairs --reference a.npy --reference b.npy --reference c.npy f.npy >row 2>err
  close_to "$(jq '."umse-pairs"' row)" -0.14583333333333 1e-12
}

@test "metric --summary: pooled before the logarithm, and the mean of the decibels" {
  needs numpy
  arrays "np.save('x', np.zeros((2, 8, 8))); np.save('y', np.ones((2, 8, 8)) * np.array([.1, .2])[:, None, None])"
  metric psnr mse --range 1 --summary --reference x.npy y.npy >row
  [ "$(wc -l <row)" -eq 1 ]
  [ "$(value samples row)" = 2 ]
  close_to "$(value mse row)" 0.025 1e-15
  close_to "$(value psnr row)" 16.020599913 1e-9
  close_to "$(value psnr_mean row)" 16.989700043 1e-9
}

@test "metric --min-psnr: exit 1 after everything was printed" {
  noise dead-leaves -n 2 --height 32 --width 32 | noise gaussian --sigma 0.1 -k -o noisy.nst
  metric psnr --min-psnr 19 noisy.nst >rows
  fails() { metric psnr --min-psnr 40 "$@" noisy.nst 2>err; }
  run fails -o whole.json
  [ "$status" -eq 1 ]
  cmp rows whole.json
  grep -q '2 figures are below' err
  run fails --summary
  [ "$status" -eq 1 ]
  [ "$(jq .samples <<<"$output")" = 2 ]
  fails_with 64 metric mse --min-psnr 3 noisy.nst
}

@test "metric --format: JSON Lines, CSV and a table say the same" {
  noise dead-leaves -n 2 --height 32 --width 32 | noise gaussian --sigma 0.1 -k | tee noisy.nst | metric psnr mae >json
  metric psnr mae --format csv noisy.nst >csv
  [ "$(head -n 1 csv)" = id,index,psnr,mae ]
  jq -r '[.id, .index, .psnr, .mae] | @csv' json | tr -d '"' | cmp - <(tail -n +2 csv)
  metric psnr mae --format table noisy.nst >table
  [ "$(wc -l <table)" -eq 3 ]
  [ "$(awk '{ print length }' table | sort -u | wc -l)" -eq 1 ]
  close_to "$(awk 'NR == 2 { print $3 }' table)" "$(value psnr json)" 1e-4
}

@test "metric: a table on a terminal" {
  needs script
  noise dead-leaves --height 32 --width 32 | noise gaussian --sigma 0.1 -k -o noisy.nst
  script -qec "metric psnr noisy.nst" /dev/null </dev/null | tr -d '\r' >out
  grep -q '^id  *index  *psnr$' out
}

@test "metric: the same bytes for 1 and 2 threads, whole and batched, on every instruction set" {
  noise dead-leaves --height 300 --width 700 | noise gaussian --sigma 0.1 -k --copies 4 -o noisy.nst
  metric mse mae ssim umse --threads 1 noisy.nst >one
  metric mse mae ssim umse --threads 2 noisy.nst | cmp - one
  for isa in baseline avx2 avx512; do
    grep -q "${isa/baseline/.}" /proc/cpuinfo || continue
    NOISEUTILS_ISA=$isa metric mse mae ssim umse noisy.nst | cmp - one
  done
}

@test "metric: the range comes from --range, from the record, or not at all" {
  needs numpy
  noise dead-leaves --height 32 --width 32 -o x.png
  noise gaussian --sigma 0.1 -k x.png | metric psnr >unit
  noise gaussian --sigma 25.5 --raw -k x.png | metric psnr >counts
  close_to "$(value psnr unit)" "$(value psnr counts)" 1e-4
  noise gaussian --sigma 0.1 -k x.png | metric psnr --range 10 >wide
  close_to "$(value psnr wide)" "$(awk -v p="$(value psnr unit)" 'BEGIN { print p + 20 }')" 1e-4
  arrays "np.save('x.npy', np.zeros((4, 4))); np.save('y.npy', np.ones((4, 4)))"
  fails_with 65 metric psnr --reference x.npy y.npy
  grep -q -- '--range' fails.err
  fails_with 64 metric psnr --range 0 --reference x.npy y.npy
  fails_with 64 metric psnr --range nan --reference x.npy y.npy
}

@test "metric: what does not fit is refused by name" {
  needs numpy
  arrays "np.save('a', np.zeros((2, 3, 4))); np.save('b', np.zeros((2, 3, 5))); np.save('c', np.zeros((3, 3, 4)))
z = np.ones((2, 3, 4)); z[1, 2, 3] = np.nan; np.save('nan', z); np.save('none', np.zeros((0, 3, 4)))"
  fails_with 65 metric mse a.npy
  grep -q 'keep-clean' fails.err
  fails_with 65 metric umse a.npy
  grep -q -- '--copies 4' fails.err
  fails_with 65 metric mse --summary --reference b.npy a.npy
  grep -q 'sample 0: data has shape \[3,4\], clean \[3,5\]' fails.err
  fails_with 65 metric mse --summary --reference c.npy a.npy
  grep -q 'more samples' fails.err
  fails_with 65 metric mse --summary --reference a.npy c.npy
  grep -q 'only 2 samples' fails.err
  fails_with 65 metric mse --summary --reference a.npy nan.npy
  grep -q 'sample 1: data is not finite at element 11' fails.err
  fails_with 65 metric mse --summary --reference nan.npy a.npy
  grep -q 'clean is not finite' fails.err
  metric mse --allow-nonfinite --reference a.npy nan.npy >rows
  [ "$(tail -n 1 rows | jq -r .mse)" = nan ]
  fails_with 65 metric mse --reference none.npy none.npy
  fails_with 66 metric mse --reference absent.npy a.npy
  fails_with 64 metric mse mse --reference a.npy a.npy
  fails_with 64 metric mse --reference a.npy --reference a.npy a.npy
}

@test "metric -o: appears whole or not at all" {
  noise dead-leaves -n 2 --height 16 --width 16 | noise gaussian --sigma 0.1 -k -o noisy.nst
  metric mse noisy.nst >rows
  metric mse noisy.nst -o out.json
  cmp rows out.json
  head -c 5000 noisy.nst >cut.nst
  fails_with 65 metric mse cut.nst -o none.json
  [ ! -e none.json ]
  [ ! -e none.json.partial ]
}

@test "metric upsnr: references that the model was trained on are refused" {
  needs train-linear denoise
  noise dead-leaves --height 64 --width 64 | noise gaussian --sigma 0.1 --copies 4 -o noisy.nst
  train-linear gaussian --patch 8 noisy.nst -o own.safetensors
  denoise --model own.safetensors noisy.nst | metric upsnr --range 1 >row
  [ "$(wc -l <row)" -eq 1 ]
  noise dead-leaves --height 64 --width 64 -o clean.nst
  noise gaussian --sigma 0.1 --seed 1 clean.nst -o other.nst
  denoise --model own.safetensors other.nst -o denoised.nst
  noise gaussian --sigma 0.1 --seed 2 clean.nst -o b.nst
  noise gaussian --sigma 0.1 --seed 3 clean.nst -o c.nst
  fails_with 65 metric upsnr --reference noisy.nst --reference b.nst --reference c.nst denoised.nst
  grep -q 'reference.1 is among the training samples' fails.err
}

@test "metric: options that mean nothing to a verb or a set metric are refused, and not in its help" {
  noise dead-leaves -n 3 --height 16 --width 16 -o x.nst
  metric mse --reference x.nst --state s.json x.nst >/dev/null
  for option in --summary --per-record --frames --subsample --stack '--range 1' '--reference x.nst' '--first-index 2'; do
    # shellcheck disable=SC2086
    fails_with 64 metric merge $option s.json
  done
  for option in --summary --per-record --subsample --allow-nonfinite '--state y' '--first-index 2'; do
    # shellcheck disable=SC2086
    fails_with 64 metric compare $option --a x.nst --b x.nst --reference x.nst
  done
  for option in --summary --per-record --subsample --frames '--state y' '--range 1'; do
    # shellcheck disable=SC2086
    fails_with 64 metric energy-distance $option --reference x.nst x.nst
  done
  fails_with 64 metric memorization --reference x.nst --train x.nst --holdout x.nst x.nst
  [ ! -e y ]
  metric merge --help >help
  if grep -qE -- '--(summary|frames|axes|reference)' help; then cat help; false; fi
  grep -q -- '--state' help
}

@test "metric merge: --state of a merge is that of the whole" {
  noise dead-leaves -n 4 --height 32 --width 32 | noise gaussian --sigma 0.1 -k -o x.nst
  metric psnr mae --summary --state whole.json x.nst | jq -c 'del(.warned)' >whole
  for k in 0 1 2 3; do tensor slice --from $k --to $((k + 1)) x.nst | metric psnr mae --state $k.json >/dev/null; done
  metric merge --state left.json 0.json 1.json >/dev/null
  metric merge left.json 2.json 3.json >merged
  jq -en --slurpfile a whole --slurpfile b merged '$b[0] | to_entries | all(.value as $v | ($a[0][.key] - $v | fabs) <= 1e-11 * ($v | fabs))'
  fails_with 73 metric merge --state absent/s.json 0.json
}

@test "metric --summary: METRIC_mean_stderr is sd / sqrt(n) over samples; nan of one" {
  noise dead-leaves -n 5 --height 32 --width 32 | noise gaussian --sigma 0.1 -k -o x.nst
  metric psnr ssim x.nst >rows
  metric psnr ssim --summary x.nst >all
  jq -es --slurpfile all all 'def se: length as $n | (add / $n) as $m | (map((. - $m) * (. - $m)) | add) / ($n - 1) / $n | sqrt;
    (map(.psnr) | se) as $p | (map(.ssim) | se) as $s | ($all[0].psnr_mean_stderr / $p - 1 | fabs) < 1e-9 and ($all[0].ssim_mean_stderr / $s - 1 | fabs) < 1e-9' rows
  tensor head -n 1 x.nst | metric psnr --summary >one
  [ "$(value psnr_mean_stderr one)" = nan ]
}

@test "metric psnr: a range that contradicts the clean sample is refused, large noise is not" {
  noise dead-leaves --height 32 --width 32 -o x.nst
  tensor convert --scale 255 x.nst -o counts.nst
  noise gaussian --sigma 20 counts.nst -o noisy.nst
  fails_with 65 metric psnr --range 1 --reference counts.nst noisy.nst
  grep -q 'contradicts' fails.err
  noise gaussian --sigma 3 x.nst | metric psnr --range 1 --reference x.nst >row
  jq -e '.psnr < 0' row
}

@test "metric --help: metrics stand under what they need" {
  metric --help >help
  for title in 'With a clean reference' 'By noisy references' 'By noisy samples alone' 'Between two sets'; do
    [ "$(grep -c "^$title" help)" -eq 1 ]
  done
  [ "$(sed -n '/^By noisy references/,/^By noisy samples/p' help | grep -oE '^  [a-z-]+' | xargs)" = "umse umse-pairs upsnr" ]
}

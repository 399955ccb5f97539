#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 1000 --seed 4 --height 4 --width 3 | tensor convert --dtype F64 -o leaves.npy
  train-linear gaussian --shrink none leaves.npy -o gaussian.safetensors
  train-linear mixture --components 4 leaves.npy -o mixture.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "distill: a linear denoiser is found again at every level, with residual 0 and its own estimates" {
  train-linear distill --model gaussian.safetensors --center gaussian.safetensors --sigma 0.05,25/255,0.5 leaves.npy \
    -o linear.safetensors --report rows.json 2>note
  [ ! -s note ]
  [ "$(wc -l <rows.json)" = 3 ]
  jq -se 'all(.residual < 1e-12 and .explained_variance > 1 - 1e-12 and .gap < 1e-6 and .asymmetry < 1e-6
              and .linearity_score > 1 - 1e-12 and .vectors == 1000)' rows.json
  for sigma in 0.05 25/255 0.5; do
    noise gaussian --sigma $sigma leaves.npy | tensor head -n 5 >noisy.nst
    denoise --model gaussian.safetensors noisy.nst -o own.npy
    denoise --model linear.safetensors noisy.nst | metric rmse --reference own.npy --format json >rmse.json
    close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-6
  done
}

@test "distill: the figures are those of least squares in numpy" {
  needs numpy
  noise gaussian --sigma 0.2 leaves.npy --seed 8 | tensor convert -o y.npy # not the noise of distill: another sample of it
  train-linear distill --model mixture.safetensors --sigma 0.2 --copies 50 --ridge 0 leaves.npy -o fit.safetensors --report rows.json
  denoise --model mixture.safetensors --sigma 0.2 y.npy -o estimate.npy
  denoise --model fit.safetensors --sigma 0.2 y.npy -o fitted.npy
  denoise --model gaussian.safetensors --sigma 0.2 y.npy -o wiener.npy
  py - <<'END_OF_PYTHON'
import json, numpy as np
y, D, fit, wiener, x = (np.load(f + ".npy").reshape(1000, 12) for f in ("y", "estimate", "fitted", "wiener", "leaves"))
row = json.loads(open("rows.json").read())
v = D.var(0).sum()
assert row["vectors"] == 50000
# Fresh noise, 1000 vectors: within the scatter of mean squares.
assert abs(((D - fit)**2).sum(1).mean()/v/row["residual"] - 1) < .1
assert abs((1 - ((D - wiener)**2).sum(1).mean()/v) - row["gaussian_explained_variance"]) < .1*row["residual"]
assert abs((((D - wiener)**2).mean())**.5/.04/row["score_rmse"] - 1) < .05
assert row["gap"] < 0.3*row["residual"]**.5*(v/12)**.5  # the fit is near the Wiener filter, D is not
assert ((fit - wiener)**2).mean()**.5 < 1.2*row["gap"]
END_OF_PYTHON
}

@test "distill: a program or the same model, one thread or two, give the same bytes" {
  train-linear distill --model mixture.safetensors --sigma 0.1,1 --no-history leaves.npy >a.safetensors 2>note
  [ ! -s note ]
  train-linear distill --denoiser 'denoise --model mixture.safetensors' --sigma 0.1,1 --no-history --threads 1 leaves.npy >b.safetensors
  cmp a.safetensors b.safetensors
}

@test "distill: parts, cut at even samples and merged in any order, equal the single run" {
  needs numpy
  local options=(--model mixture.safetensors --sigma "0.1,1" --copies 3)
  train-linear distill "${options[@]}" leaves.npy -o single.safetensors --report single.json
  tensor slice --from 0 --to 402 leaves.npy | train-linear distill "${options[@]}" --state part-0.safetensors
  tensor slice --from 402 --to 1000 leaves.npy | train-linear distill "${options[@]}" --first-index 402 --state part-1.safetensors
  train-linear merge part-1.safetensors part-0.safetensors -o merged.safetensors --report merged.json
  py - <<'END_OF_PYTHON'
import json
for a, b in zip(open("single.json"), open("merged.json")):
    a, b = json.loads(a), json.loads(b)
    assert a.keys() == b.keys()
    for key in a:
        assert abs(a[key] - b[key]) <= 1e-9*abs(a[key]), (key, a[key], b[key])
END_OF_PYTHON
  noise gaussian --sigma 1 leaves.npy | tensor head -n 5 >noisy.nst
  denoise --model single.safetensors noisy.nst -o own.npy
  denoise --model merged.safetensors noisy.nst | metric rmse --reference own.npy --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-11
}

@test "distill: states of other teachers, levels or centres are not merged" {
  tensor slice --from 0 --to 500 leaves.npy -o begin.nst
  tensor slice --from 500 --to 1000 leaves.npy -o end.nst
  train-linear distill --model mixture.safetensors --sigma 0.1 begin.nst --state a.safetensors
  train-linear distill --model gaussian.safetensors --sigma 0.1 end.nst --first-index 500 --state b.safetensors
  train-linear distill --model mixture.safetensors --sigma 0.2 end.nst --first-index 500 --state c.safetensors
  train-linear distill --model mixture.safetensors --center gaussian.safetensors --sigma 0.1 end.nst --first-index 500 --state d.safetensors
  for other in b:model c:--sigma.0.2 d:center; do
    fails_with 65 train-linear merge a.safetensors "${other%:*}.safetensors" >message
    grep -q -e "${other#*:}" message
  done
}

@test "distill: of patches, and of a denoiser of whole images" {
  noise dead-leaves -n 3 --seed 4 --height 40 --width 40 | tensor convert --dtype F64 -o images.npy
  train-linear gaussian --patch 4 --shrink none images.npy -o patches.safetensors
  train-linear distill --patch 4 --model patches.safetensors --sigma 0.2 images.npy -o of-patches.safetensors --report rows.json
  jq -e '.residual < 1e-12 and .vectors == 4107' rows.json
  noise gaussian --sigma 0.2 images.npy -o noisy.nst
  denoise --model patches.safetensors noisy.nst -o a.npy
  denoise --model of-patches.safetensors noisy.nst | metric rmse --reference a.npy --format json >rmse.json
  close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-6
  train-linear distill --patch 4 --denoiser 'denoise --model patches.safetensors' --sigma 0.2 images.npy --report rows.json >b.safetensors
  jq -e '.residual < 1e-12' rows.json
  fails_with 65 train-linear distill --model patches.safetensors --sigma 0.2 images.npy
}

@test "distill: the empirical law's denoiser, which memorises, is no more than the Wiener filter of its own samples to a fit" {
  tensor head -n 40 leaves.npy -o few.npy
  train-linear empirical few.npy -o empirical.safetensors
  train-linear distill --model empirical.safetensors --sigma 0.3 --copies 400 few.npy -o fit.safetensors --report rows.json
  jq -e '.residual > 0.05 and .gap < 3*.gap_floor' rows.json
}

@test "distill: what a small gap proves is said to who follows the run" {
  train-linear distill --model mixture.safetensors --sigma 0.1 leaves.npy -o m.safetensors --progress line 2>note >/dev/null
  grep -q 'proves nothing' note
}

@test "distill: wrong options and a report that cannot be written are found before any input" {
  mkfifo never
  exec 9<>never # open, and empty for ever
  distill() { timeout 20 train-linear distill "$@" <&9; }
  fails_with 64 distill --model gaussian.safetensors | grep -q '^train-linear: --sigma'
  for list in 0 ,.1 .1,.1; do
    fails_with 64 distill --model gaussian.safetensors --sigma=$list >message
    [[ $(<message) != *"sample 0"* ]]
  done
  fails_with 64 distill --sigma 0.1 | grep -q '^train-linear: --model'
  fails_with 64 distill --sigma 0.1 --model gaussian.safetensors --state s.safetensors --report r.json | grep -q -e --state
  fails_with 73 distill --sigma 0.1 --model gaussian.safetensors -o unborn.safetensors --report missing/r.json
  exec 9>&-
  [ ! -e unborn.safetensors ]
}

@test "distill: rows go to standard output where the model does not" {
  train-linear distill --model mixture.safetensors --sigma 0.1,1 leaves.npy -o m.safetensors >rows.json
  [ "$(jq -s 'map(.sigma) | @csv' -r rows.json)" = 0.1,1 ]
  fails_with 64 train-linear distill --model mixture.safetensors --sigma 0.1 leaves.npy --report - | grep -q 'exclude each other'
}

@test "distill: bad input" {
  fails_with 64 train-linear distill --sigma 0.1 leaves.npy | grep -q -e --model
  fails_with 64 train-linear distill --model gaussian.safetensors leaves.npy | grep -q -e --sigma
  for list in 0 0.1,,1 -1 a; do fails_with 64 train-linear distill --model gaussian.safetensors --sigma=$list leaves.npy; done
  fails_with 64 train-linear distill --model gaussian.safetensors --sigma 0.1,0.1 leaves.npy | grep -q twice
  fails_with 64 train-linear distill --model gaussian.safetensors --denoiser cat --sigma 0.1 leaves.npy
  fails_with 69 train-linear distill --denoiser false --sigma 0.1 leaves.npy
  noise gaussian --sigma 0.1 leaves.npy | fails_with 65 train-linear distill --model gaussian.safetensors --sigma 0.1 | grep -q clean
  tensor head -n 13 leaves.npy | fails_with 65 train-linear distill --model gaussian.safetensors --sigma 0.1 | grep -q copies
  train-linear distill --model mixture.safetensors --sigma 0.1,1 leaves.npy -o m.safetensors >/dev/null
  fails_with 65 denoise --model m.safetensors --sigma 0.3 leaves.npy | grep -q '0.1, 1'
}

@test "distill: parts without numbers merge, however many copies each sample has" {
  tensor head -n 12 leaves.npy >few.nst
  for copies in 8 4096; do
    train-linear distill --model gaussian.safetensors --sigma 0.3 --copies $copies --unnumbered few.nst --state part.safetensors
    train-linear merge part.safetensors -o merged.safetensors
    train-linear distill --model gaussian.safetensors --sigma 0.3 --copies $copies few.nst -o single.safetensors --report rows.json
    jq -e ".vectors == 12 * $copies" rows.json
  done
}

@test "distill: of a denoiser that changes nothing no share of the score is explained: nan" {
  train-linear distill --denoiser cat --sigma 0.3 leaves.npy -o same.safetensors --report same.json
  jq -e '.score_explained_variance == "nan" and .residual < 1e-9' same.json
}

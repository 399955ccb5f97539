#!/usr/bin/env bats
# noise diffuse, --immiscible, and what the other programs make of scaled data.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 24 --height 8 --width 6 --seed 3 -o leaves.nst
  noise dead-leaves -n 24 --height 8 --width 6 --seed 3 -o leaves.safetensors
  noise dead-leaves -n 300 --height 8 --width 6 --seed 9 | train-linear gaussian -o model.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "diffuse: alpha x + sigma n, with the noise that gaussian would add" {
  needs numpy
  noise diffuse --schedule vp --t 0.3 --seed 5 leaves.nst -o noisy.npy
  noise gaussian --sigma 1 --seed 5 leaves.nst -o plain.npy
  noise diffuse --schedule vp --t 0.3 --seed 5 --rescale leaves.nst -o rescaled.npy
  tensor convert leaves.nst -o clean.npy
  py -c '
import numpy as np
noisy, plain, rescaled, x = (np.load(f + ".npy").astype(float) for f in ("noisy", "plain", "rescaled", "clean"))
B = .1*.3 + 19.9/2*.3**2
alpha, sigma = np.exp(-B/2), np.sqrt(-np.expm1(-B))
assert np.abs(noisy - (alpha*x + sigma*(plain - x))).max() < 2e-6
assert np.abs(rescaled*alpha - noisy).max() < 2e-6'
}

@test "diffuse: where alpha is 1 the bytes are those of gaussian noise" {
  noise diffuse --schedule ve --t 1 --sigma-max 0.25 --seed 5 --copies 3 -k leaves.nst | tensor convert -o ve.npy
  noise gaussian --sigma 0.25 --seed 5 --copies 3 -k leaves.nst | tensor convert -o gaussian.npy
  cmp ve.npy gaussian.npy
  # And the text of its metadata serves denoise as that of gaussian does.
  noise diffuse --schedule karras --t 1 --sigma-max 0.25 --seed 5 leaves.nst | denoise --model model.safetensors -o one.npy
  noise gaussian --sigma 0.25 --seed 5 leaves.nst | denoise --model model.safetensors -o two.npy
  cmp one.npy two.npy
}

@test "diffuse: metadata, one law more on noisy data, and history" {
  noise diffuse --schedule linear --t 0 --seed 7 leaves.nst | tensor info >info
  value noise info | jq -e 'del(.sigma, .alpha) == {family: "gaussian", schedule: "linear", seed: 7, t: 0}'
  close_to "$(value noise info | jq .sigma)" 0.01 1e-12
  close_to "$(value noise info | jq .alpha)" "$(awk 'BEGIN { print sqrt(0.9999) }')" 1e-6
  noise gaussian --sigma 1 leaves.nst | noise diffuse --schedule vp --t 0.5 --rescale | tensor info >info
  value noise info | jq -e '[.[] | .alpha] == [null, 1]'
  noise diffuse --schedule vp --t 0.2:0.4 leaves.nst | tensor history >text
  [ "$(head -n 1 text)" = 'noise dead-leaves --height 8 --width 6 --seed 3 | noise diffuse --schedule vp --t 0.2:0.4 --seed 0' ]
}

@test "diffuse --t A:B: each sample its own time, the same in a batch, split, and on any number of threads" {
  run="noise diffuse --schedule cosine-snr --t 0.1:0.9 --seed 2"
  $run leaves.nst --threads 1 -o one.nst
  $run leaves.nst --threads 3 -o three.nst
  cmp one.nst three.nst
  tensor slice --from 0 --to 7 leaves.nst | $run -o part-0.nst
  tensor slice --from 7 --to 24 leaves.nst | $run --first-index 7 -o part-1.nst
  tensor cat --restream --no-history part-0.nst part-1.nst | tensor convert -o joined.npy
  tensor convert one.nst -o one.npy
  cmp one.npy joined.npy
  $run leaves.safetensors -o batch.npy
  cmp one.npy batch.npy
  tensor info one.nst | jq -r .noise | jq .t >times
  [ "$(sort -u times | wc -l)" -eq 24 ]
  [ "$(awk '$1 < 0.1 || $1 > 0.9' times | wc -l)" -eq 0 ]
  # The batch carries a list of texts, and denoise and score understand it as they do the samples.
  $run leaves.safetensors | denoise --model model.safetensors -o batch.npy
  denoise --model model.safetensors one.nst -o single.npy
  cmp batch.npy single.npy
  $run leaves.safetensors | score --model model.safetensors -o batch.npy
  score --model model.safetensors one.nst -o single.npy
  cmp batch.npy single.npy
}

@test "diffuse: denoise and score take alpha from the metadata" {
  needs numpy
  noise diffuse --schedule linear --t 400 leaves.nst -o scaled.nst
  noise diffuse --schedule linear --t 400 --rescale leaves.nst -o rescaled.nst
  denoise --model model.safetensors scaled.nst -o from-scaled.npy
  denoise --model model.safetensors rescaled.nst -o from-rescaled.npy
  score --model model.safetensors scaled.nst -o score.npy
  score --model model.safetensors rescaled.nst -o score-rescaled.npy
  for field in denoiser eps v; do score $field --model model.safetensors scaled.nst -o $field.npy; done
  score --model model.safetensors --keep-noisy scaled.nst | score convert --to v -o converted.npy
  tensor convert scaled.nst -o scaled.npy
  py - <<'END'
import numpy as np
load = lambda name: np.load(name + ".npy").astype(float)
gamma = np.prod(1 - np.linspace(1e-4, .02, 1000)[:401])
alpha, sigma = gamma**.5, (1 - gamma)**.5
x0, y = load("from-scaled"), load("scaled")
near = lambda a, b: np.abs(a - b).max() < 1e-5*max(1, np.abs(b).max())
assert near(load("from-rescaled"), x0) and near(load("denoiser"), x0)
assert near(load("eps"), (y - alpha*x0)/sigma)
assert near(load("score"), (alpha*x0 - y)/sigma**2)
assert near(load("score-rescaled"), alpha*load("score"))
assert near(load("v"), alpha*load("eps") - sigma*x0)
assert near(load("converted"), load("v"))
END
  # With alpha typed, the sigma of the metadata is still that of the data.
  score --model model.safetensors --alpha 1 scaled.nst -o one.npy
  score --model model.safetensors --sigma "$(tensor info scaled.nst | head -n 1 | jq -r .noise | jq .sigma)" scaled.nst -o two.npy
  cmp one.npy two.npy
  score log-density --model model.safetensors scaled.nst >scaled.json
  score log-density --model model.safetensors rescaled.nst >rescaled.json
  # log p(y) = log p(y / alpha) - d log alpha
  alpha=$(tensor info scaled.nst | head -n 1 | jq -r .noise | jq .alpha)
  close_to "$(value log_density scaled.json)" \
    "$(jq -n "$(value log_density rescaled.json) - 48 * ($alpha | log)")" 1e-3
}

@test "diffuse: training takes scaled data as the rescaled" {
  noise diffuse --schedule vp --t 0.1 leaves.nst | train-linear gaussian -o scaled.safetensors
  noise diffuse --schedule vp --t 0.1 --rescale leaves.nst | train-linear gaussian -o rescaled.safetensors
  noise diffuse --schedule ve --t 0.5 leaves.nst -o y.nst
  denoise --model scaled.safetensors y.nst -o one.npy
  denoise --model rescaled.safetensors y.nst -o two.npy
  metric rmse --reference one.npy two.npy --format json | jq -e '.rmse < 1e-4'
}

@test "diffuse --schedule-info: rows of t, alpha, sigma, logsnr" {
  noise diffuse --schedule linear --schedule-info >rows
  [ "$(wc -l <rows)" -eq 1000 ]
  jq -se '.[0].beta == 1e-4 and .[999].beta == 0.02 and .[999].t == 999' rows
  jq -se 'all(.[]; (.alpha * .alpha + .sigma * .sigma - 1 | fabs) < 1e-9)' rows
  jq -se 'all(.[]; (.logsnr - 2 * (.alpha / .sigma | log) | fabs) < 1e-9)' rows
  noise diffuse --schedule vp --schedule-info --t 1 --format csv >csv
  [ "$(head -n 1 csv)" = t,alpha,sigma,logsnr ]
  close_to "$(tail -n 1 csv | cut -d , -f 2)" 0.0065715865 1e-9
  [ "$(noise diffuse --schedule ve --schedule-info | wc -l)" -eq 101 ]
  [ "$(noise diffuse --schedule zero-snr --schedule-info --t 999 | jq -r '"\(.alpha) \(.sigma) \(.beta) \(.logsnr)"')" = "0 1 1 -inf" ]
  noise diffuse --schedule karras --schedule-info --t 0:1 -o written.json
  [ "$(wc -l <written.json)" -eq 101 ]
}

@test "diffuse: bad input" {
  fails_with 64 noise diffuse leaves.nst
  fails_with 64 noise diffuse --schedule vp leaves.nst
  fails_with 64 noise diffuse --schedule nonsense --t 0.5 leaves.nst
  for t in -0.1 1.1 0.5:0.4 nan 0.1:2 x ''; do fails_with 64 noise diffuse --schedule vp --t "$t" leaves.nst; done
  for t in 0.5 1000 -1; do fails_with 64 noise diffuse --schedule linear --t $t leaves.nst; done
  fails_with 64 noise diffuse --schedule vp --t 0 leaves.nst
  fails_with 64 noise diffuse --schedule vp --t 0.5 --rho 3 leaves.nst
  fails_with 64 noise diffuse --schedule vp --t 0.5 --copies 2 leaves.nst
  noise diffuse --schedule vp --t 0.5 --copies 2 --rescale leaves.nst >two.nst
  fails_with 64 noise diffuse --schedule zero-snr --t 999 --rescale leaves.nst
  fails_with 64 noise diffuse --schedule vp --schedule-info leaves.nst
  fails_with 64 noise diffuse --schedule vp --t 0.5 --format csv leaves.nst
  noise diffuse --schedule zero-snr --t 999 leaves.nst -o nothing.nst
  fails_with 65 denoise --model model.safetensors nothing.nst
  fails_with 65 score --model model.safetensors nothing.nst
}

@test "--immiscible: the assignment is that of scipy" {
  needs numpy
  py -c 'import scipy.optimize' 2>/dev/null || skip "needs scipy"
  for command in "gaussian --sigma 0.5" "diffuse --schedule vp --t 0.2"; do
    noise $command --seed 4 leaves.safetensors -o plain.npy
    noise $command --seed 4 --immiscible leaves.safetensors -o dealt.npy
    noise gaussian --sigma 1 --seed 4 leaves.safetensors -o unit.npy
    tensor convert leaves.safetensors -o clean.npy
    py - <<'END'
import numpy as np
from scipy.optimize import linear_sum_assignment
plain, dealt, unit, x = (np.load(f + ".npy").astype(float).reshape(24, -1) for f in ("plain", "dealt", "unit", "clean"))
n = unit - x
cost = ((x[:, None] - n[None])**2).sum(-1)
_, best = linear_sum_assignment(cost)
# The noise that each sample got, told by correlation with all of them.
scale = np.polyfit(x.ravel(), plain.ravel(), 1)[0]
residual = dealt - x*(1 if abs(scale - 1) < .05 else np.exp(-(.1*.2 + 19.9/2*.04)/2))
got = np.argmax(residual @ n.T / np.linalg.norm(n, axis=1), axis=1)
assert sorted(got) == list(range(24)) and (got == best).all(), (got, best)
assert (got != np.arange(24)).any()
END
  done
}

@test "--immiscible: threads do not matter, metadata say so, a single sample and more than 512" {
  noise gaussian --sigma 0.5 --immiscible --copies 2 --threads 1 leaves.safetensors -o one.nst
  noise gaussian --sigma 0.5 --immiscible --copies 2 --threads 3 leaves.safetensors -o three.nst
  cmp one.nst three.nst
  [ "$(tensor info one.nst | jq -r .noise | jq -c '[.immiscible, .family]')" = '[true,"gaussian"]' ]
  # A record of one sample has nothing to choose from.
  noise gaussian --sigma 0.5 --immiscible leaves.nst -o single.npy
  noise gaussian --sigma 0.5 leaves.nst -o plain.npy
  cmp single.npy plain.npy
  noise dead-leaves -n 513 --height 2 --width 2 --rmax 2 -o many.safetensors
  fails_with 64 noise gaussian --sigma 0.5 --immiscible many.safetensors
  fails_with 64 noise uniform --width 0.5 --immiscible leaves.nst
}

@test "--immiscible: the noise is no longer independent of the sample, but stays normal" {
  needs numpy
  # Data of few dimensions show it: 32 batches of 64 points.
  py -c '
import numpy as np
np.save("points.npy", np.random.default_rng(1).standard_normal((32, 64, 4)))'
  for i in 0 8 16 31; do
    py -c "import numpy as np; np.save('batch.npy', np.load('points.npy')[$i])"
    noise gaussian --sigma 1 --immiscible --seed $i --axes ND batch.npy -o noisy-$i.npy
  done
  py - <<'END'
import numpy as np
at = (0, 8, 16, 31)
x = np.load("points.npy")[list(at)].reshape(-1, 4)
n = np.concatenate([np.load(f"noisy-{i}.npy") for i in at]) - x
# Cov(x, n) is far above 0 (independent: 5 standard errors of 0.06), and positive: noises come to lie near.
assert (x*n).mean(0).min() > 5*len(x)**-.5, (x*n).mean(0)
# The noises are those of the batch, dealt: mean 0, variance 1.
assert abs(n.mean()) < 4.5/n.size**.5 and abs((n**2).mean() - 1) < 4.5*(2/n.size)**.5
END
}

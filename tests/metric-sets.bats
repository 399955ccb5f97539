#!/usr/bin/env bats
# metric between sets of samples and between models.
load helpers

# arrays STATEMENTS: runs Python with numpy as np; arrays are saved with np.save.
arrays() { py -c "import numpy as np; r = np.random.default_rng(1); $1"; }

# sets N M D: a.npy of N and b.npy of M samples of D elements, correlated and shifted.
sets() {
  arrays "
np.save('a.npy', r.standard_normal(($1, $3)) @ r.standard_normal(($3, $3)) + .5)
np.save('b.npy', r.standard_normal(($2, $3)) * np.linspace(.5, 2, $3))"
}

# check ROW STATEMENTS: row is the first JSON line of the file ROW, a and b the arrays; near(x, y, tolerance) asserts.
check() {
  py - "$1" <<END
import json, sys
import numpy as np
row = json.loads(open(sys.argv[1]).readline())
a, b = np.load("a.npy").astype(float), np.load("b.npy").astype(float)
def near(x, y, tolerance=1e-9):
    assert abs(x - y) <= tolerance * max(1, abs(y)), (x, y)
$2
END
}

# The metrics that compare two sets of samples.
set_metrics() { printf '%s\n' frechet kl sliced-wasserstein sinkhorn mmd energy-distance feature-shift convergence; }

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

@test "metric frechet, kl: are those of numpy" {
  needs numpy
  sets 60 40 5
  metric frechet kl --axes ND --reference b.npy a.npy >row
  check row '
P, Q, d = np.cov(a.T), np.cov(b.T), a.mean(0) - b.mean(0)
w, u = np.linalg.eigh(P)
h = u * np.sqrt(w) @ u.T
near(row["frechet"], d @ d + np.trace(P + Q) - 2 * np.sqrt(np.linalg.eigvalsh(h @ Q @ h)).sum())
near(row["frechet_mean"], d @ d)
near(row["frechet_root"] ** 2, row["frechet"])
def kl(P, Q): return .5 * (np.trace(np.linalg.solve(Q, P)) + d @ np.linalg.solve(Q, d) - 5
                           - np.linalg.slogdet(P)[1] + np.linalg.slogdet(Q)[1])
near(row["kl"], kl(P, Q))
near(row["kl_reverse"], kl(Q, P))
assert row["samples"] == 60 and row["reference_samples"] == 40'
}

@test "metric frechet: fewer samples than elements, and a stream for an array" {
  needs numpy
  sets 5 7 30
  metric frechet --axes ND --reference b.npy a.npy >row
  check row '
A, B = (x - x.mean(0) for x in (a, b))
F, G = A / 2, B / 6 ** .5
d = a.mean(0) - b.mean(0)
near(row["frechet"], d @ d + (F * F).sum() + (G * G).sum() - 2 * np.linalg.norm(F @ G.T, "nuc"))
assert row["frechet_stderr"] == "nan"'
  tensor convert --axes ND a.npy | tensor split >a.nst
  tensor convert --axes ND b.npy -o b.nst
  metric frechet --reference b.nst <a.nst | cmp - row
}

@test "metric frechet, kl: a model stands for the set that it was learned from" {
  noise dead-leaves -n 200 --height 4 --width 5 -o a.nst
  noise dead-leaves -n 300 --seed 1 --height 4 --width 5 | noise gaussian --sigma 0.2 -o b.nst
  train-linear gaussian --shrink none a.nst -o a.safetensors
  train-linear gaussian --shrink none b.nst -o b.safetensors
  metric frechet kl --reference b.nst a.nst >sets
  metric frechet kl --reference b.nst --model a.safetensors >mixed
  # Models are over n, fits over n - 1, and a model is stored as float.
  close_to "$(value frechet mixed)" "$(value frechet sets)" "$(value 'frechet * 0.02' sets)"
  [ "$(jq 'has("samples")' mixed)" = false ]
  metric frechet kl --reference-model a.safetensors --model a.safetensors >same
  close_to "$(value frechet same)" 0 1e-12
  close_to "$(value kl same)" 0 1e-9
  metric frechet --reference-model b.safetensors --model a.safetensors >models
  [ "$(value frechet_stderr models)" = 0 ]
}

@test "metric sliced-wasserstein: along given axes it is that of sorted numbers" {
  needs numpy
  sets 50 50 1
  metric sliced-wasserstein --axes ND --reference b.npy a.npy >two
  metric sliced-wasserstein --axes ND --order 1 --reference b.npy a.npy >one
  check two 'near(row["sliced_wasserstein"], ((np.sort(a[:, 0]) - np.sort(b[:, 0])) ** 2).mean() ** .5)'
  check one 'near(row["sliced_wasserstein"], abs(np.sort(a[:, 0]) - np.sort(b[:, 0])).mean())'
}

@test "metric sliced-wasserstein: other seeds agree within the standard error" {
  needs numpy
  sets 50 40 6
  for seed in 1 2; do metric sliced-wasserstein --seed "$seed" --axes ND --reference b.npy a.npy >"$seed"; done
  close_to "$(value sliced_wasserstein 1)" "$(value sliced_wasserstein 2)" "$(value 'sliced_wasserstein_stderr * 6.5' 1)"
  [ "$(value sliced_wasserstein 1)" != "$(value sliced_wasserstein 2)" ]
}

@test "metric sinkhorn: is plain Sinkhorn of numpy, with and without Newton steps" {
  needs numpy
  sets 40 30 4
  for way in '' --no-newton; do
    metric sinkhorn $way --epsilon 0.8 --tolerance 1e-10 --axes ND --reference b.npy a.npy >row
    check row '
def cost(x, y): return ((x[:, None] - y[None]) ** 2).sum(2)
def softmin(z): m = z.min(1); return m - .8 * np.log(np.exp((m[:, None] - z) / .8).mean(1))
def solve(C):
    f, g = np.zeros(C.shape[0]), np.zeros(C.shape[1])
    for _ in range(4000):
        f, last = softmin(C - g), f
        g = softmin(C.T - f)
        if abs(f - last).max() < 1e-13: break
    P = np.exp((f[:, None] + g - C) / .8) / C.size
    return f.mean() + g.mean(), (P * C).sum()
value, moved = solve(cost(a, b))
near(row["sinkhorn_value"], value)
near(row["sinkhorn_cost"], moved, 1e-7)
near(row["sinkhorn"], value - (solve(cost(a, a))[0] + solve(cost(b, b))[0]) / 2, 1e-8)
assert row["sinkhorn_marginal_error"] <= 1e-10 and row["sinkhorn_epsilon"] == .8'
  done
  fails_with 65 metric sinkhorn --no-newton --iterations 3 --epsilon 1e-3 --axes ND --reference b.npy a.npy | grep 'after 3 iterations'
}

@test "metric mmd, energy-distance: are those of numpy, and p is small for sets that differ" {
  needs numpy
  sets 50 30 4
  metric mmd energy-distance --axes ND --reference b.npy a.npy >row
  check row '
z = np.concatenate([a, b])
D = ((z[:, None] - z[None]) ** 2).sum(2) ** .5
h = np.median(D[np.tril_indices(80, -1)])
near(row["mmd_bandwidth"], h)
def statistic(K): return ((K[:50, :50].sum() - np.trace(K[:50, :50])) / 2450 + (K[50:, 50:].sum() - np.trace(K[50:, 50:])) / 870
                          - 2 * K[:50, 50:].mean())
near(row["mmd"], statistic(np.exp(-D ** 2 / (2 * h * h))))
near(row["energy_distance"], statistic(-D))
assert row["mmd_p"] == row["energy_distance_p"] == .005'
  arrays "np.save('b', np.load('a.npy')[::2]); np.save('a', np.load('a.npy')[1::2])"
  metric mmd energy-distance --axes ND --reference b.npy a.npy >halves
  awk -v p="$(value mmd_p halves)" 'BEGIN { exit p < 0.01 }'
}

@test "metric feature-shift: is the mean square of score differences, by Monte Carlo and coordinate" {
  needs numpy
  sets 80 90 3
  metric feature-shift --per-coordinate --axes ND --reference b.npy a.npy >rows
  [ "$(wc -l <rows)" -eq 3 ]
  jq -sc . rows >row
  check row '
P, Q, m, n = np.cov(a.T), np.cov(b.T), a.mean(0), b.mean(0)
r = np.random.default_rng(0)
def gap(x): return (-(x - m) @ np.linalg.inv(P) + (x - n) @ np.linalg.inv(Q)) ** 2
draws = (gap(r.multivariate_normal(m, P, 200000)) + gap(r.multivariate_normal(n, Q, 200000))) / 2
for i, line in enumerate(row):
    assert line["feature_shift_coordinate"] == i
    assert abs(line["feature_shift"] - draws[:, i].mean()) < 5 * draws[:, i].std() / 200000 ** .5 + 1e-9, (line, draws[:, i].mean())'
  metric feature-shift --axes ND --reference b.npy a.npy >worst
  [ "$(wc -l <worst)" -eq 1 ]
  [ "$(value feature_shift_z worst)" = "$(jq -s 'max_by(.feature_shift_z).feature_shift_z' rows)" ]
}

@test "metric memorization: copies have distance 0, a Gaussian model sits at sqrt(1 + d/n)" {
  needs numpy
  arrays "
z = r.standard_normal((3, 100, 100)); np.save('train', z[0]); np.save('holdout', z[1])
w, u = np.linalg.eigh(z[0].T @ z[0] / 100)
np.save('drawn', r.standard_normal((500, 100)) @ (u * np.sqrt(np.maximum(w, 0))) @ u.T); np.save('more', z[2, :50])"
  metric memorization --axes ND --train train.npy --holdout holdout.npy train.npy >copies
  [ "$(value memorization_distance copies)" = 0 ]
  [ "$(value memorization_nearer copies)" = 1 ]
  metric memorization --axes ND --train train.npy --holdout holdout.npy drawn.npy >drawn
  close_to "$(value memorization drawn)" "$(value memorization_of_gaussian drawn)" 0.06
  close_to "$(value memorization_of_gaussian drawn)" 1.41421356 1e-8
  fails_with 65 metric memorization --axes ND --train train.npy --holdout more.npy drawn.npy | grep 'equally many'
  fails_with 64 metric memorization --axes ND --train train.npy drawn.npy
}

@test "metric convergence: of outputs, of draws and of denoisers of two models" {
  noise dead-leaves -n 400 --height 4 --width 4 -o clean.nst
  train-linear gaussian clean.nst -o a.safetensors
  tensor head -n 30 clean.nst | train-linear gaussian -o b.safetensors
  noise gaussian --sigma 0.2 clean.nst -o noisy.nst
  for m in a b; do denoise --model $m.safetensors noisy.nst -o $m.nst; done
  metric convergence --reference b.nst a.nst >outputs
  awk -v c="$(value convergence outputs)" 'BEGIN { exit !(c > 0.9 && c < 1) }'
  metric convergence --model a.safetensors --reference-model a.safetensors >same
  close_to "$(value convergence same)" 1 1e-12
  metric convergence --model a.safetensors --reference-model b.safetensors >drawn
  metric convergence --model a.safetensors --reference-model b.safetensors --sigma 5 >dull
  metric convergence --model a.safetensors --reference-model b.safetensors --sigma 0.01 >sharp
  awk -v d="$(value convergence dull)" -v s="$(value convergence sharp)" 'BEGIN { exit !(s > d && s > 0.99) }'
  fails_with 64 metric convergence --model a.safetensors --reference b.nst
  fails_with 64 metric convergence --sigma 1 --reference b.nst a.nst
  fails_with 65 metric convergence --reference b.nst <(tensor head -n 3 a.nst)
}

@test "metric between sets: bad input is one line" {
  needs numpy
  sets 20 20 3
  arrays "np.save('one', np.ones((1, 3))); np.save('none', np.ones((0, 3))); np.save('wide', np.ones((9, 4)))
np.save('nan', np.array([[1, 2, 3], [1, np.nan, 3.]]))"
  for word in $(set_metrics); do
    fails_with 65 metric "$word" --axes ND --reference a.npy one.npy
    fails_with 65 metric "$word" --axes ND --reference one.npy a.npy
    fails_with 65 metric "$word" --axes ND --reference none.npy a.npy
    fails_with 65 metric "$word" --axes ND --reference a.npy none.npy
    fails_with 65 metric "$word" --axes ND --reference a.npy wide.npy | grep -E '3.*4|4.*3'
    fails_with 65 metric "$word" --axes ND --reference a.npy nan.npy | grep 'sample 1: .*element 1'
    fails_with 66 metric "$word" --axes ND --reference missing.npy a.npy
    fails_with 64 metric "$word" --axes ND a.npy
    fails_with 64 metric "$word" --axes ND --reference a.npy --reference b.npy a.npy
    fails_with 64 metric "$word" "$word" --axes ND --reference b.npy a.npy
    fails_with 64 metric "$word" psnr --axes ND --reference b.npy a.npy
    fails_with 64 metric "$word" --range 1 --axes ND --reference b.npy a.npy
  done
  fails_with 65 metric kl --axes ND --reference wide.npy wide.npy | grep singular
  fails_with 64 metric frechet --axes ND --reference-model a.npy --reference b.npy a.npy
  fails_with 64 metric psnr frechet --axes ND --reference b.npy a.npy
}

@test "metric between sets: the same bytes for any number of threads, and again" {
  needs numpy
  sets 90 90 11
  for word in $(set_metrics); do
    metric "$word" --axes ND --threads 1 --reference b.npy a.npy >one
    metric "$word" --axes ND --threads 3 --reference b.npy a.npy | cmp - one
    metric "$word" --axes ND --threads 1 --format csv --reference b.npy a.npy | head -n 1 | grep -q "$word\|${word//-/_}"
  done
}

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
set_metrics() { printf '%s\n' frechet kl; }

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
  train-linear gaussian a.nst -o a.safetensors
  train-linear gaussian b.nst -o b.safetensors
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
  sets 70 90 11
  for word in $(set_metrics); do
    metric "$word" --axes ND --threads 1 --reference b.npy a.npy >one
    metric "$word" --axes ND --threads 3 --reference b.npy a.npy | cmp - one
    metric "$word" --axes ND --threads 1 --format csv --reference b.npy a.npy | head -n 1 | grep -q "$word\|${word//-/_}"
  done
}

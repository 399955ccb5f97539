#!/usr/bin/env bats
# score jvp, divergence, spectrum, directions, covariance: the Jacobian of a denoiser; denoise --move.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 | tensor convert --dtype F64 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear mixture --components 3 leaves.nst -o mixture.safetensors
  tensor head -n 4 leaves.nst | noise gaussian --sigma 0.2 -o noisy.nst
  tensor tail -n 1 leaves.nst -o vector.nst
  noise dead-leaves -n 3 --seed 9 --height 16 --width 12 | tensor convert --dtype F64 -o images.nst
  train-linear gaussian --patch 4 images.nst -o patches.safetensors
  noise gaussian --sigma 0.2 images.nst -o noisy-images.nst
  printf 'P2 5 6 1\n%s\n' '1 1 1 0 0  1 1 1 0 0  1 1 1 0 0  0 0 0 0 0  0 0 0 0 0  0 0 0 0 0' >mask.pgm
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# with_records FILE...: a Python script from stdin that finds the tensors and the metadata of each record of each FILE
# in the list of lists `files`, and x, y and the Wiener filter W of the model in double.
with_records() {
  {
    cat <<'END'
import sys, os
sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["EXAMPLES"])
import numpy as np
from noiseutils_stream import read_records
files = [list(read_records(open(name, "rb"))) for name in sys.argv[1:]]
x = np.stack([t["data"].ravel() for t, m in read_records(open("leaves.nst", "rb"))])
y = np.stack([t["data"].ravel() for t, m in read_records(open("noisy.nst", "rb"))])
C = np.cov(x.T, bias=True)
W = np.linalg.solve(C + .04*np.eye(30), C)
END
    cat
  } >"$BATS_TEST_TMPDIR/with_records.py"
  EXAMPLES=$BATS_TEST_DIRNAME/../scripts/examples py "$BATS_TEST_TMPDIR/with_records.py" "$@"
}

@test "score spectrum: gains and basis of a Gaussian are the eigenvectors of its Wiener filter in numpy" {
  needs numpy
  score spectrum --top 3 --model model.safetensors noisy.nst -o basis.nst
  with_records basis.nst <<'END'
records, = files
assert len(records) == 4
values, vectors = np.linalg.eigh(W)
for i, (t, m) in enumerate(records):
    assert t["data"].shape == (3, 6, 5) and t["data"].dtype == np.float64 and m["axes"] == "NHW", m
    assert m["field"] == "jacobian-basis" and m["directions"] == "3" and "noise" not in m
    assert np.allclose(t["gains"], values[::-1][:3], rtol=1e-9)
    assert np.allclose(abs((t["data"].reshape(3, 30) @ vectors[:, ::-1][:, :3])), np.eye(3), atol=1e-7)
    assert (t["residuals"] < 1e-7).all()
END
  tensor check basis.nst
  tensor split basis.nst | score spectrum --rows --top 2 --sigma 0.2 --model model.safetensors >rows.json
  [ "$(wc -l <rows.json)" -eq 24 ]
  score spectrum --rows --top 3 --model model.safetensors noisy.nst >rows.json
  [ "$(jq -c '[.index, .k]' rows.json | sed -n 5p)" = '[1,2]' ]
}

@test "score jvp, covariance, divergence: W v, V^T s W V and tr W in numpy; one vector for all samples or one for each" {
  needs numpy
  score jvp --vector vector.nst --model model.safetensors noisy.nst -o jv.nst
  tensor tail -n 4 leaves.nst -o four.nst
  score jvp --vector four.nst --model model.safetensors noisy.nst -o each.nst
  score covariance --vectors four.nst --model model.safetensors noisy.nst -o along.nst
  score divergence --model model.safetensors noisy.nst >divergence.json
  with_records jv.nst each.nst along.nst <<'END'
import json
jv, each, along = files
v = x[-4:]
for i in range(4):
    assert jv[i][0]["data"].shape == (6, 5) and jv[i][1]["field"] == "jvp" and "directions" not in jv[i][1]
    assert np.allclose(jv[i][0]["data"].ravel(), W @ v[3], atol=1e-12)
    assert np.allclose(each[i][0]["data"].ravel(), W @ v[i], atol=1e-12)
    t = along[i][0]
    assert np.allclose(t["covariance"], .04*v @ W @ v.T, atol=1e-12) and t["covariance"].dtype == np.float64
    assert np.allclose(t["data"].reshape(4, 30), v)
    m2 = np.diag(t["covariance"])
    assert np.allclose(t["moments"], np.stack([m2, 0*m2, 3*m2**2], 1), atol=1e-12)
rows = [json.loads(line) for line in open("divergence.json")]
assert [r["index"] for r in rows] == [0, 1, 2, 3]
for r in rows:
    assert abs(r["divergence"] - np.trace(W)) < 1e-9 and r["divergence_error"] == 0 and r["probes"] == 0
    assert abs(r["score_divergence"] + np.trace(np.linalg.inv(C + .04*np.eye(30)))) < 1e-6
END
}

@test "score: any program by differences agrees with the model by its formulas" {
  tensor head -n 2 noisy.nst -o two.nst
  for verb in "jvp --vector vector.nst" "spectrum --top 2 --tolerance 1e-6 --iterations 100" \
    "directions --mask mask.pgm --null 2 --tolerance 1e-6 --iterations 100" "covariance --vectors vector.nst"; do
    # shellcheck disable=SC2086
    score $verb --model mixture.safetensors two.nst -o formula.nst
    # shellcheck disable=SC2086
    score $verb --epsilon 0.003 --denoiser 'denoise --model mixture.safetensors' two.nst -o program.nst
    metric rmse --reference formula.nst program.nst >rmse.json
    close_to "$(jq -s 'map(.rmse) | max' rmse.json)" 0 1e-4
  done
  score divergence --model mixture.safetensors noisy.nst >exact.json
  score divergence --probes 100 --denoiser 'denoise --model mixture.safetensors' noisy.nst >probed.json
  [ "$(jq -s --slurpfile e exact.json '[., $e] | transpose | map((.[0].divergence - .[1].divergence | fabs) < 4 * .[0].divergence_error) | all' probed.json)" = true ]
}

@test "denoise --move: D(y + l v), whose first order is what score directions says; the outside falls with --null" {
  needs numpy
  for null in 0 1 2; do
    score directions -k 2 --null $null --mask mask.pgm --model mixture.safetensors noisy.nst -o v$null.nst
    denoise --model mixture.safetensors --move v$null.nst --step 0,1e-4,0.01,0.02 noisy.nst -o moved$null.nst
  done
  denoise --model mixture.safetensors --move v1.nst --direction 2 --step 0.5 noisy.nst -o second.nst
  denoise --model mixture.safetensors noisy.nst -o still.nst
  with_records v0.nst v1.nst v2.nst moved0.nst moved1.nst moved2.nst still.nst second.nst <<'END'
mask = np.zeros((6, 5), bool)
mask[:3, :3] = True
still, second = files[6:]
for i in range(4):
    outside = []
    for n in range(3):
        (v, vm), (d, dm) = files[n][i], files[3 + n][i]
        assert v["data"].shape == (2, 6, 5) and d["data"].shape == (4, 6, 5)
        assert np.allclose((v["data"]**2).sum((1, 2)), 1)
        assert np.allclose(d["data"][0], still[i][0]["data"], atol=1e-14)
        assert dm["move.step"] == '["0","1e-04","0.01","0.02"]', dm["move.step"]
        change = (d["data"][1] - d["data"][0])/1e-4
        assert np.isclose(np.sqrt((change[~mask]**2).sum()), v["outside"][0], rtol=1e-2)
        assert np.isclose(np.sqrt((change[mask]**2).sum()), v["inside"][0], rtol=1e-2)
        outside.append(v["outside"][0])
        if n == 0: assert np.allclose(v["gains"], v["inside"], rtol=1e-9)
    assert outside[0] > outside[1] > outside[2], outside
    assert second[i][0]["data"].shape == (6, 5) and second[i][1]["move.step"] == "0.5"
END
  tensor check moved1.nst
}

@test "denoise --move: companions of what was not moved are left out; a batch gives the samples of its split" {
  score directions --mask mask.pgm --model model.safetensors noisy.nst -o v.nst
  denoise --model model.safetensors --move v.nst --step -1,1 noisy.nst | tensor split -o single.nst
  tensor stack noisy.nst | denoise --model model.safetensors --move v.nst --step -1,1 | tensor split -o batch.nst
  metric rmse --reference single.nst batch.nst >rmse.json
  [ "$(jq -s 'map(.rmse) | max' rmse.json)" = 0 ]
  [ "$(jq -s length rmse.json)" = 8 ]
  [ "$(tensor info single.nst | jq -r .id | tr '\n' ' ')" = "0.1 0.2 1.1 1.2 2.1 2.2 3.1 3.2 " ]
}

@test "score: spectrum, directions and covariance of a batch and its split, and with any threads, give the same samples" {
  tensor tail -n 4 leaves.nst -o four.nst
  for verb in "spectrum --top 2" "directions --mask mask.pgm" "covariance --top 2" "jvp --vector four.nst"; do
    # shellcheck disable=SC2086
    score $verb --threads 1 --model mixture.safetensors noisy.nst -o one.nst
    # shellcheck disable=SC2086
    score $verb --threads 3 --model mixture.safetensors noisy.nst | cmp one.nst -
    # shellcheck disable=SC2086
    tensor stack noisy.nst | score $verb --threads 3 --no-history --model mixture.safetensors | tensor split --no-history -o batch.npy
    tensor split one.nst -o single.npy
    cmp single.npy batch.npy
  done
}

@test "score divergence, spectrum: an array job joined gives the lines of one run, with probes and searches too" {
  run() { score "$@" --denoiser 'denoise --model model.safetensors'; }
  for verb in "divergence --probes 4 --seed 2" "spectrum --rows --top 2"; do
    # shellcheck disable=SC2086
    run $verb noisy.nst >one.json
    # shellcheck disable=SC2086
    tensor head -n 1 noisy.nst | run $verb >parts.json
    # shellcheck disable=SC2086
    tensor tail -n 3 noisy.nst | run $verb --first-index 1 >>parts.json
    cmp <(jq -c 'del(.id)' one.json) <(jq -c 'del(.id)' parts.json)
  done
}

@test "score divergence: of an average over patches exactly where they are affine, and the probes agree" {
  score divergence --model patches.safetensors noisy-images.nst >exact.json
  [ "$(jq -s 'map(.probes) | max' exact.json)" = 0 ]
  score divergence --probes 50 --model patches.safetensors noisy-images.nst >probed.json
  [ "$(jq -s --slurpfile e exact.json '[., $e] | transpose | map((.[0].divergence - .[1].divergence | fabs) < 4 * .[0].divergence_error) | all' probed.json)" = true ]
  score spectrum --model patches.safetensors noisy-images.nst | tensor info >basis.json
  grep -q gains basis.json
}

@test "score jvp --resume: from the sample where it stopped, with the vector that belongs to it" {
  tensor tail -n 4 leaves.nst -o four.nst
  score jvp --vector four.nst --model model.safetensors noisy.nst -o whole.nst
  head -c $(($(stat -c %s whole.nst) * 2 / 3)) whole.nst >resumed.nst.partial
  score jvp --resume --vector four.nst --model model.safetensors noisy.nst -o resumed.nst
  cmp whole.nst resumed.nst
}

@test "score: the Jacobian scales with alpha as D(y / alpha; sigma / alpha) does" {
  needs numpy
  score jvp --alpha 0.5 --sigma 0.2 --vector vector.nst --model model.safetensors noisy.nst -o scaled.npy
  score jvp --sigma 0.4 --vector vector.nst --model model.safetensors noisy.nst | tensor convert -o plain.npy
  py -c '
import numpy as np
assert np.allclose(np.load("scaled.npy"), 2*np.load("plain.npy"), atol=1e-12)'
}

@test "score --directions K: the word directions with --top K" {
  for rest in "" --rows; do
    score directions --top 2 --mask mask.pgm --seed 3 --tolerance 1e-4 --no-history --model model.safetensors noisy.nst $rest >word
    score --directions 2 --mask mask.pgm --seed 3 --tolerance 1e-4 --no-history --model model.safetensors noisy.nst $rest | cmp word -
  done
  fails_with 64 score --directions 2 --model model.safetensors noisy.nst | grep -q -e --mask
  fails_with 64 score --mask mask.pgm --model model.safetensors noisy.nst | grep -q -e --directions
  fails_with 64 score --directions 2 --top 2 --mask mask.pgm --model model.safetensors noisy.nst | grep -q exclude
  fails_with 64 score --directions 2 --keep-noisy --mask mask.pgm --model model.safetensors noisy.nst | grep -q 'no option of score directions'
}

@test "score and denoise --move: bad input" {
  for verb in jvp divergence spectrum directions covariance; do
    fails_with 64 score $verb noisy.nst
    fails_with 64 score $verb --model model.safetensors --denoiser cat noisy.nst
  done
  on() { score "$@" noisy.nst; }
  fails_with 64 on jvp --model model.safetensors
  fails_with 64 on jvp --vector vector.nst --model model.safetensors --sigma 0
  fails_with 64 on directions --model model.safetensors
  fails_with 64 on spectrum --top 31 --model model.safetensors
  fails_with 64 on spectrum --resume --model model.safetensors
  fails_with 64 on spectrum --format json --model model.safetensors
  fails_with 64 on spectrum --rows --depth 8 --model model.safetensors
  fails_with 64 on spectrum --epsilon 0 --model model.safetensors
  fails_with 64 on divergence --probes 1 --model model.safetensors
  fails_with 64 on directions --mask mask.pgm --null 31 --model model.safetensors
  fails_with 64 on covariance --top 2 --vectors vector.nst --model model.safetensors
  fails_with 65 on jvp --vector images.nst --model model.safetensors
  fails_with 65 on directions --mask images.nst --model model.safetensors
  fails_with 65 on directions --mask leaves.nst --model model.safetensors
  fails_with 66 on directions --mask missing.pgm --model model.safetensors
  fails_with 69 on spectrum --denoiser false
  tensor head -n 2 leaves.nst -o two.nst
  fails_with 65 score jvp --vector two.nst --model model.safetensors noisy.nst -o short.npy
  [ ! -e short.npy ]
  fails_with 65 score spectrum --model model.safetensors images.nst
  move() { denoise --model model.safetensors --move "$@" noisy.nst; }
  fails_with 64 denoise --model model.safetensors --step 2 noisy.nst
  fails_with 64 move vector.nst --step 1,
  fails_with 64 move vector.nst --step x
  fails_with 65 move vector.nst --direction 2
  fails_with 65 move images.nst
  fails_with 66 move missing.nst
  fails_with 64 move vector.nst --resume -o moved.nst
}

# molrg: a mixture of 3 low-rank Gaussians in 64 dimensions as a model file, noisy samples of it, and a mask; molrg.py
# has J, D and |P J v| written out in numpy.
molrg() {
  cat >molrg.py <<'END'
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["EXAMPLES"])
import numpy as np
from noiseutils_stream import read_records, write_record
r = np.random.default_rng(3)
U = [np.linalg.qr(r.standard_normal((64, 6)))[0] for _ in range(3)]
y = np.stack([U[k] @ r.standard_normal(6) for k in (0, 1, 2)]) + .5*r.standard_normal((3, 64))
mask = np.arange(64) < 20
t, g = .25, 1/1.25
def parts(y):
    a = np.array([((u.T @ y)**2).sum()*g/(2*t) for u in U])
    w = np.exp(a - a.max()); w /= w.sum()
    return w, np.stack([g*u @ (u.T @ y) for u in U])
def D(y):
    w, d = parts(y)
    return w @ d
def J(y):
    w, d = parts(y)
    m = w @ d
    return sum(p*g*u @ u.T for p, u in zip(w, U)) + ((w[:, None]*d).T @ d - np.outer(m, m))/t
END
  EXAMPLES=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END'
import sys
sys.path.insert(0, ".")
from molrg import *
write_record(open("molrg.safetensors", "wb"), {"weights": np.full(3, 1/3), "means": np.zeros((3, 64)),
             "ranks": np.full(3, 6, dtype=np.int64), "eigenvectors": np.concatenate([u.T for u in U]).copy(),
             "eigenvalues": np.ones(18), "residual_variances": np.zeros(3)},
             {"model.kind": "mixture", "model.axes": "D", "model.shape": "[64]", "model.patch": "0", "model.count": "9",
              "model.samples": "[]", "axes": "D"})
np.save("y.npy", y)
np.save("region.npy", mask.astype(float))
END
}

@test "score directions: LOCO-Edit on a mixture of low-rank Gaussians as numpy does it, and the estimate moves so" {
  needs numpy
  cd "$BATS_TEST_TMPDIR" || return
  molrg
  given=(--model molrg.safetensors --sigma 0.5 --axes ND)
  score spectrum --top 6 "${given[@]}" y.npy -o basis.nst
  for null in 0 2 4 5; do
    score directions --mask region.npy --null $null "${given[@]}" y.npy -o v$null.nst
    denoise "${given[@]}" --move v$null.nst --step 0,0.3 y.npy -o moved$null.nst
  done
  EXAMPLES=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END'
import sys
sys.path.insert(0, ".")
from molrg import *
load = lambda name: [t for t, m in read_records(open(name, "rb"))]
P, Q = np.diag(mask*1.), np.diag(~mask*1.)
basis = np.concatenate([t["gains"] for t in load("basis.nst")]).reshape(3, 6)
before = np.full(3, np.inf)
for null in (0, 2, 4, 5):
    out = load("v%d.nst" % null)
    vectors, outside = [np.concatenate([t[name] for t in out]) for name in ("data", "outside")]
    moved = np.concatenate([t["data"] for t in load("moved%d.nst" % null)]).reshape(3, 2, 64)
    for i in range(3):
        j = J(y[i])
        if null == 0:
            assert np.allclose(basis[i], np.linalg.svd(j)[1][:6], rtol=1e-10)
            h = 1e-5*np.eye(64)
            assert abs(np.stack([(D(y[i] + e) - D(y[i] - e))/2e-5 for e in h]) - j).max() < 1e-8
        v = np.linalg.svd(P @ j)[2][0]
        V = np.linalg.svd(Q @ j)[2][:null].T
        v = v - V @ (V.T @ v)
        v /= np.linalg.norm(v)
        assert abs(abs(v @ vectors[i]) - 1) < 1e-9
        assert np.isclose(outside[i], np.linalg.norm(Q @ j @ v), rtol=1e-7)
        assert np.allclose(moved[i], [D(y[i]), D(y[i] + .3*vectors[i])], atol=1e-11)
        assert np.linalg.norm(moved[i][1] - moved[i][0] - .3*j @ vectors[i]) < .3*np.linalg.norm(j @ vectors[i])
    assert (outside < before + 1e-12).all()
    before = outside
END
}

#!/usr/bin/env bats
# train-linear --split-report and --advise.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 400 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o truth.safetensors
  sample --model truth.safetensors --sampler exact -n 600 --seed 5 -o drawn.nst
  noise dead-leaves -n 12 --height 128 --width 128 -o large.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

split() { train-linear --split-report "$@"; }

@test "split-report: every prediction equals a transcription of the theory in numpy, law known or not" {
  needs numpy
  split --truth truth.safetensors --sizes 10,30,200 --levels 0.02,0.2 drawn.nst -o known.json
  split --sizes 10,30,200 --levels 0.02,0.2 drawn.nst -o sampled.json
  tensor convert drawn.nst -o drawn.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import json
import numpy as np
from noiseutils_stream import read_records
def root(f, low, high):  # of a rising function
    for _ in range(80):
        mid = (low + high)/2
        low, high = (mid, high) if f(mid) < 0 else (low, mid)
    return high
def kappa_known(lam, t, n): return root(lambda k: k - t - k/n*np.sum(lam/(lam + k)), 0, t + lam.sum()/n)
def check(rows, dof, kappa, top, trace, d, d_eff, rank):
    """dof(k) = sum lambda/(lambda+k); derivatives of it by differences."""
    for row in rows:
        n, t = row["n"] - 1, row["sigma"]**2
        k = kappa(t, n)
        f, b = dof(k), -(dof(k*(1 + 1e-5)) - dof(k*(1 - 1e-5)))/(2e-5*k)
        df2 = f - k*b
        v = k*k/(n - df2)*b*(df2 + t*b)
        m = k*k*b/(n - df2)*n/(n + 1)
        a = trace - 2*k*f + k*k*b + t*df2
        # q = 4/pi^2 int int (k f - k' f')/(k - k') du dv, u = e^x
        x = np.linspace(-16, 8, 241)
        u = np.exp(x)*np.sqrt(trace/d)
        ks = np.array([kappa(s*s, n) for s in u])
        kf = ks*np.array([dof(s) for s in ks])
        K, F = np.meshgrid(ks, kf)
        with np.errstate(all="ignore"):
            overlap = (F - F.T).T/(K - K.T)
        eps = 1e-4
        same = np.array([(s*(1+eps)*dof(s*(1+eps)) - s*(1-eps)*dof(s*(1-eps)))/(2*eps*s) for s in ks])
        near = np.abs(K - K.T) < 1e-6*K
        overlap[near] = ((same[:, None] + same)/2)[near]
        w = u*(x[1] - x[0])
        q = 4/np.pi**2*(w @ overlap @ w)/trace
        expected = {"gap": 2*(v + m)/d, "cosine": a/(a + v + m), "test_mse": (k*k*b + t*df2 + v + m)/d,
                    "train_mse": (t*f - t*t/(n + 1)*b/(1 - df2/n))/d, "similarity": q,
                    "memorization_ratio": np.sqrt(1 + d_eff/n)}
        alpha, T, U = top
        if U < n:
            expected["overlap"] = (1 - U/n)/(1 + T/n)
            expected["top_eigenvalue"] = alpha*(1 + T/n)
        else:
            assert row["overlap_theory"] == 0
        for key, value in expected.items():
            tolerance = 5e-3 if key == "similarity" else 1e-5
            assert abs(row[key + "_theory"] - value) < tolerance*abs(value), (key, row["n"], row["sigma"], row[key + "_theory"], value)
        if rank == d or k > 1e-9:
            assert abs(row["test_over_oracle_theory"] - expected["test_mse"]/row["oracle_mse"]) < 1e-5*row["test_over_oracle_theory"]
rows = lambda name: [json.loads(line) for line in open(name)]
lam = np.sort(next(iter(read_records(open("truth.safetensors", "rb"))))[0]["eigenvalues"].astype(float))[::-1]
top = (lam[0], np.sum(lam[1:]/(lam[0] - lam[1:])), np.sum((lam[1:]/(lam[0] - lam[1:]))**2))
check(rows("known.json"), lambda k: np.sum(lam/(lam + k)), lambda t, n: kappa_known(lam, t, n), top, lam.sum(), 30,
      lam.sum()**2/np.sum(lam**2), 30)
for row in rows("known.json"):
    s = row["sigma"]**2
    assert abs(row["oracle_mse"] - np.mean(lam*s/(lam + s))) < 1e-9
# Not known: the companion law of the sample's own eigenvalues.
x = np.load("drawn.npy").reshape(600, -1).astype(float)
l = np.linalg.eigvalsh(np.cov(x.T))[::-1]
N = 599
def dof(k):  # tau = k (1 - f(tau)/N)
    tau = root(lambda s: s - k*(1 - np.sum(l/(l + s))/N), 0, k)
    return np.sum(l/(l + tau))
def kappa(t, n):  # t = tau (1 - f/n) / (1 - f/N)
    f = lambda s: np.sum(l/(l + s))
    tau = root(lambda s: s*(1 - f(s)/n) - t*(1 - f(s)/N), t, t + l.sum()/n)
    return tau/(1 - f(tau)/N)
h = lambda s: 1 + np.sum(l[1:]/(s - l[1:]))/N
alpha = lambda s: s/h(s)
T = N*(h(l[0]) - 1)
slope = (alpha(l[0]*(1 + 1e-6)) - alpha(l[0]*(1 - 1e-6)))/(2e-6*l[0])
U = N*(1 - 1/slope)
square = np.sum(l**2)
tr2 = (square - l.sum()**2/N)/(1 + 1/N - 2/N**2)
d_eff = (l.sum()**2 - 2/N*tr2)/tr2
check(rows("sampled.json")[:4], dof, kappa, (alpha(l[0]), T, U), l.sum(), 30, d_eff, 30)
END_OF_PYTHON
}

@test "split-report: white data at n - 1 = d, sigma = 1 have the golden ratio's figures" {
  needs numpy
  py -c "import numpy as np; np.save('white.npy', np.random.default_rng(1).standard_normal((1200, 200)))"
  split --axes ND --sizes 201 --levels 1 --splits 6 white.npy -o white.json
  # kappa = phi; a dimension B = phi^-4, V = 2 phi^2 B^2 / (1 - B), A = 2 B, and M = phi^2 B / (1 - B) / n of the mean.
  awk 'BEGIN { phi = (1 + sqrt(5)) / 2; b = phi^-4; v = 2 * phi^2 * b^2 / (1 - b); m = phi^2 * b / (1 - b) / 201; pi = atan2(0, -1)
    print "gap", 2 * (v + m); print "cosine", 2 * b / (2 * b + v + m); print "test_mse", phi^2 * b + b + v + m
    print "train_mse", 1 / (1 + phi); print "oracle_mse", 0.5; print "similarity", (8 / (3 * pi))^2; print "memorization_ratio", sqrt(2) }' >expected
  # The theory, from the samples alone, to 1 %, and what is seen to 2 %.
  while read -r key value; do
    echo "$key $value"
    jq -e --arg key "$key" --argjson value "$value" '(.[$key] / $value - 1 | fabs) < 0.02 and
      ((.[$key + "_theory"] // $value) / $value - 1 | fabs) < 0.01' white.json
  done <expected
  jq -e '(.memorization_ratio_white - pow(401 / 201; 0.5) | fabs) < 1e-9 and (.similarity_white - .similarity_theory | fabs) < 0.01' white.json
}

@test "split-report: what is seen agrees with theory on data of a known law, on the mean over splits" {
  split --truth truth.safetensors --sizes 60,300 --levels 0.1 --splits 24 drawn.nst -o mean.json
  jq -s -e 'map((.similarity / .similarity_theory - 1 | fabs < 0.03) and (.cosine / .cosine_theory - 1 | fabs < 0.03) and
    (.test_mse / .test_mse_theory - 1 | fabs < 0.03) and (.train_mse / .train_mse_theory - 1 | fabs < 0.03)) | all' mean.json
  # More samples: more alike, less memorised, nearer to the least error.
  jq -s -e '.[1].similarity > .[0].similarity and .[1].memorization_ratio < .[0].memorization_ratio and
    .[1].test_over_oracle < .[0].test_over_oracle and .[1].test_over_oracle > 1 and .[1].overlap > .[0].overlap' mean.json
}

@test "split-report: without a known law a third of the samples judges; the sizes are 10, 100 ... and the most" {
  split drawn.nst -o rows.json
  jq -s -c '[.[].n] | unique' rows.json | grep -qxF '[10,100,200]'
  jq -s -e 'length == 9 and (map(.d == 30 and .splits == 1) | all)' rows.json
  jq -s -e '(.[2].sigma / .[0].sigma - 10 | fabs) < 1e-9' rows.json
}

@test "split-report: the word gaussian may be left out; threads change nothing; table, CSV and a file" {
  split --levels 0.1 drawn.nst --threads 1 >one.json
  train-linear gaussian --split-report --levels 1/10 --threads 3 <drawn.nst | cmp one.json -
  split --levels 0.1 --sizes 20 --format csv drawn.nst | head -n 1 | grep -q '^n,d,splits,sigma,similarity,similarity_theory,similarity_white,gap,'
  split --levels 0.1 --sizes 20 --format table drawn.nst | grep -qE '^ *n +d +splits +sigma +similarity '
  split --levels 0.1 --sizes 20 --seed 1 drawn.nst | jq -e '.n == 20'
}

@test "split-report: fewer samples than dimensions, and no matrix of dimension x dimension" {
  without_sanitizers
  (ulimit -v 900000; split --sizes 4 --levels 1 --threads 1 large.nst >large.json) # 16384^2 doubles are 2 GiB
  jq -e '.d == 16384 and .similarity > 0 and .similarity < 1 and .memorization > 0.5' large.json
}

@test "split-report: what makes no sense is refused in one line, and leaves no file" {
  fails_with 64 train-linear --split-report --sizes 201 drawn.nst -o none.json
  grep -q 'third' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 split --sizes 2 drawn.nst
  fails_with 64 split --sizes 10,x drawn.nst
  fails_with 64 split --levels 0 drawn.nst
  fails_with 64 split --levels 0.1,, drawn.nst
  fails_with 64 split --truth truth.safetensors --sizes 301 drawn.nst
  fails_with 64 split --advise drawn.nst
  fails_with 64 split --patch 3 drawn.nst
  fails_with 64 split --shrink qis drawn.nst
  fails_with 64 split --tolerance 0.1 drawn.nst
  fails_with 64 train-linear --advise --sizes 10 drawn.nst
  fails_with 64 train-linear gaussian --sizes 10 drawn.nst
  fails_with 64 train-linear --sizes 10 drawn.nst
  noise gaussian --sigma 0.1 drawn.nst -o noisy.nst
  fails_with 65 split noisy.nst
  grep -q 'is noisy: .*(--use clean takes the companion)' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear empirical noisy.nst -o none.safetensors
  grep -q 'is noisy: .*(--use clean takes the companion)' "$BATS_TEST_TMPDIR/fails.err"
  tensor head -n 8 drawn.nst -o few.nst
  fails_with 65 split few.nst
  fails_with 65 split --max-size 1 --sizes 4 large.nst # 768 KiB of floats are 1.5 MiB as doubles
  grep -q 'more than 1 MiB as doubles' "$BATS_TEST_TMPDIR/fails.err"
  train-linear gaussian --help | grep -A 2 -e '--max-size' | grep 'as doubles'
  train-linear empirical --max-size 1 large.nst -o held.safetensors
  train-linear empirical --help | grep -A 2 -e '--max-size' | grep 'of float64 as float64'
  noise dead-leaves -n 9 --height 3 --width 3 -o small.nst
  fails_with 65 split --truth truth.safetensors small.nst
  fails_with 65 split --truth drawn.nst drawn.nst
  fails_with 66 split --truth missing.safetensors drawn.nst
  noise dead-leaves -n 1 --height 4 --width 4 -o same.nst
  fails_with 65 split same.nst same.nst same.nst same.nst same.nst same.nst same.nst same.nst same.nst
  [ ! -e none.json ]
}

@test "advise: samplers' errors are those of sample --report of the model that it advises" {
  train-linear --advise --levels 0.05 drawn.nst >advice.json
  jq -s -e 'map(keys_unsorted == ["advice","name","sigma","steps","nfe","error","relative","chosen"]) | all' advice.json
  jq -s -e 'map(select(.chosen == "yes") | .advice) == ["shrink", "sampler"]' advice.json
  how=$(jq -r 'select(.advice == "shrink" and .chosen == "yes").name' advice.json)
  train-linear gaussian --shrink "$how" drawn.nst -o advised.safetensors
  sample --report --no-timing --model advised.safetensors --sampler ddim,heun,deis-3,ddpm --steps 10,20,50 >report.json
  # What remains with very many steps is the start's.
  sample --report --no-timing --model advised.safetensors --sampler deis-3 --steps 2000 >fine.json
  close_to "$(jq -r 'select(.name == "exact-flow").relative' advice.json)" \
    "$(jq -s '.[1].w2 / (.[0].error / .[0].relative)' <(jq 'select(.name == "exact-flow")' advice.json) fine.json)" 1e-3
  jq -s -e '(map(select(.advice == "sampler")) as $a | map(select(.sampler != null)) | length == 12 and
    (map(. as $r | $a[] | select(.name == $r.sampler and .steps == $r.steps) | .nfe == $r.nfe and (.error / $r.w2 - 1 | fabs) < 1e-4) | all))' \
    advice.json report.json
  # The cheapest that will do; with no demands the cheapest of all, and of those the best.
  train-linear --advise --levels 0.05 --tolerance 100 drawn.nst |
    jq -s -e 'map(select(.advice == "sampler" and .name != "exact-flow")) | (map(.nfe) | min) as $least |
      (map(select(.nfe == $least)) | min_by(.error)) == (map(select(.chosen == "yes"))[0])'
}

@test "advise: a few samples of many dimensions are better shrunk, and by as much as unseen samples say" {
  tensor head -n 40 drawn.nst -o few.nst
  tensor slice --from 100 drawn.nst -o unseen.nst
  train-linear --advise --levels 0.1 few.nst >advice.json
  jq -s -e 'map(select(.advice == "shrink")) | (map(select(.name == "qis"))[0].relative) < (map(select(.name == "none"))[0].relative)' advice.json
  for how in none qis; do
    train-linear gaussian --shrink $how few.nst -o model.safetensors
    predicted=$(jq -r "select(.name == \"$how\").error" advice.json)
    seen=$(noise gaussian --sigma 0.1 -k unseen.nst | denoise --model model.safetensors | metric mse --summary --format json | jq .mse)
    awk -v p="$predicted" -v s="$seen" 'BEGIN { print p, s; exit !(p > 0.85 * s && p < 1.25 * s) }'
  done
}

@test "plot-generalization: SVG and PNG of a report, also where the least error is not known, and one line for what is none" {
  needs gnuplot
  plot=$BATS_TEST_DIRNAME/../scripts/plot-generalization
  split --levels 0.02,0.2 drawn.nst >report.json
  "$plot" --title 'leaves "6x5"' -o report.svg report.json
  "$plot" -o report.png <report.json
  grep -q '<svg' report.svg
  grep -q 'sigma 0.02' report.svg
  [ "$(head -c 8 report.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
  jq -c '.test_over_oracle = "nan" | .test_over_oracle_theory = "nan" | .overlap = "nan"' report.json | "$plot" -o unknown.svg
  grep -q '<svg' unknown.svg
  fails_with 64 "$plot" report.json
  fails_with 64 "$plot" -o x.svg --error w2 report.json
  fails_with 65 "$plot" -o x.svg drawn.nst
  fails_with 65 "$plot" -o x.svg <<<'{"sampler":"a","nfe":5}'
  fails_with 65 "$plot" -o x.svg </dev/null
  fails_with 66 "$plot" -o x.svg missing.json
  [ ! -e x.svg ]
}

@test "an option of one report names that report, whether the other is asked for or none" {
  for report in "" --advise; do
    fails_with 64 train-linear gaussian $report --sizes 10 drawn.nst -o none.json
    grep -q -- '--sizes is for --split-report (try' "$BATS_TEST_TMPDIR/fails.err"
  done
  for report in "" --split-report; do
    fails_with 64 train-linear gaussian ${report:+"$report"} --tolerance 0.1 drawn.nst -o none.json
    grep -q -- '--tolerance is for --advise (try' "$BATS_TEST_TMPDIR/fails.err"
  done
  fails_with 64 train-linear gaussian --levels 1 drawn.nst -o none.json
  grep -q -- '--levels is for --split-report and --advise (try' "$BATS_TEST_TMPDIR/fails.err"
}

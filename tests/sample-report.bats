#!/usr/bin/env bats
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear mixture --components 3 leaves.nst -o mixture.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

report() { sample --report --no-timing "$@"; }

@test "sample --report: errors of ddim equal those of its gains in numpy, mode by mode" {
  needs numpy
  report --model model.safetensors --sampler ddim --steps 5,10,20,40 >report.json
  jq -s -e 'map(keys_unsorted == ["sampler","steps","nfe","order","w2","mean_error","variance_error","flow_error","exact"]) | all' report.json
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import json
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
m = U @ mu  # all 30 directions
assert len(lam) == 30
def karras(N, last=True):
    i = np.arange(N)
    s = (80**(1/7) + i/(N-1)*(.002**(1/7) - 80**(1/7)))**7
    return np.append(s, 0) if last else s
def gain(s): return np.prod([1 + (b-a)*a/(lam + a*a) for a, b in zip(s, s[1:])], axis=0)
rows = [json.loads(line) for line in open("report.json")]
orders = []
for row in rows:
    N = row["steps"]
    A = gain(karras(N))
    mean, var = (1-A)*m, (80*A)**2
    f = np.sqrt(lam/(lam + 80**2))
    w2 = np.sqrt(((mean-m)**2 + (np.sqrt(var) - np.sqrt(lam))**2).sum())
    flow = np.sqrt((((A-f)*80)**2 + ((f-A)*m)**2).sum()/((f*80)**2 + ((1-f)*m)**2).sum())
    for key, value in (("nfe", N), ("w2", w2), ("flow_error", flow), ("variance_error", abs(var-lam).sum()/lam.sum()),
                       ("mean_error", np.linalg.norm(mean-m)/np.linalg.norm(m))):
        assert abs(row[key] - value) < 1e-6*abs(value), (key, row[key], value)
    s = karras(N+1, False)  # without the step to 0, from the exact law
    A, f = gain(s), np.sqrt((lam + s[-1]**2)/(lam + s[0]**2))
    v = lam + s[0]**2
    orders.append(np.sqrt(((A-f)**2*v).sum()/((f*f*v).sum() + (m*m).sum())))
slope = -np.polyfit(np.log([10, 20, 40]), np.log(orders[1:]), 1)[0]
assert abs(rows[0]["order"] - slope) < 1e-6, (rows[0]["order"], slope)
END_OF_PYTHON
}

@test "sample --report --sampler all: every sampler that takes steps, in order, at every number of steps" {
  report --model model.safetensors --sampler all --steps 20,10 -n 8 >all.json 2>left-out
  sample --list --format json | jq -r 'select(.name != "exact") | .name' >names
  sed -E 's/^sample: ([^ ]+) is left out: .*/\1/' left-out >missing
  printf '%s\n' blackout cold myula pc-guidance reflected rolling | cmp - <(sort missing) # what asks for more than a Gaussian law
  { jq -r .sampler all.json | uniq; cat missing; } | sort | cmp - <(sort names)
  jq -s -e 'map(select(.sampler == "ddim") | .steps) == [10, 20]' all.json
}

@test "sample --report of a mixture: its own flow is the reference, samplers share their starts, threads change nothing" {
  report --model mixture.safetensors --sampler ddim,exact --steps 5,20,40,80 --threads 1 >one.json
  report --model mixture.safetensors --sampler ddim,exact --steps 5,20,40,80 --threads 3 | cmp one.json -
  jq -s -e 'map(select(.sampler == "ddim")) | .[0].flow_error > 4 * .[2].flow_error and (.[0].order - 1 | fabs) < 0.15' one.json
  jq -s -e 'map(select(.sampler == "exact")) | length == 1 and .[0].nfe == 0 and .[0].flow_error == "nan"' one.json
}

@test "sample --report of a program: the same errors as of the model it runs, by the flow it gives" {
  report --model mixture.safetensors --sampler ddim --steps 5,10 -n 20 >model.json
  report --denoiser 'denoise --model mixture.safetensors' --shape 6,5 --sampler ddim --steps 5,10 -n 20 >program.json
  for row in 0 1; do
    close_to "$(jq -s ".[$row].flow_error" program.json)" "$(jq -s ".[$row].flow_error" model.json)" 0.003
  done
}

@test "sample --report: a table, a file, seconds unless --no-timing" {
  sample --report --model model.safetensors --steps 5 --format table -o table
  grep -qE '^sampler +steps +nfe +order +w2 +mean_error +variance_error +flow_error +seconds +exact *$' table
  sample --report --model model.safetensors --steps 5 | jq -e '.seconds > 0'
  report --model model.safetensors --steps 5 | jq -e 'has("seconds") | not'
}

@test "sample --report: options of samplers and schedules count, and those of nobody are refused" {
  report --model model.safetensors --steps 10 --sigma-max 20 --schedule ve >ve.json
  jq -e '.steps == 10' ve.json
  fails_with 64 sample --report --model model.safetensors --offset 0.1
  fails_with 64 sample --report --model model.safetensors --sampler ddim,ddmi
  fails_with 64 sample --report --model model.safetensors --sampler ''
  fails_with 64 sample --report --model model.safetensors --steps 5,0
  fails_with 64 sample --report --model model.safetensors --steps 5,
  fails_with 64 sample --report --model model.safetensors --schedule zero-snr
  fails_with 64 sample --report --model model.safetensors --trajectory
  fails_with 64 sample --report
  fails_with 64 sample --model model.safetensors --sampler ddim,exact
  fails_with 64 sample --model model.safetensors --sampler all
  fails_with 64 sample --model model.safetensors --steps 5,10
  fails_with 64 sample --model model.safetensors --no-timing
}

@test "plot-convergence: SVG and PNG of a report, and one line for what is none" {
  needs gnuplot
  plot=$BATS_TEST_DIRNAME/../scripts/plot-convergence
  report --model model.safetensors --sampler all --steps 5,10,20 >report.json
  "$plot" --title 'leaves "6x5"' -o errors.svg report.json
  "$plot" --error w2 -o errors.png <report.json
  grep -q '<svg' errors.svg
  grep -q 'ddim' errors.svg
  [ "$(head -c 8 errors.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
  fails_with 64 "$plot" report.json
  fails_with 64 "$plot" --error steps -o x.svg report.json
  fails_with 65 "$plot" -o x.svg leaves.nst
  fails_with 65 "$plot" --error flow_error -o x.svg <<<'{"sampler":"a","nfe":5,"flow_error":"nan"}'
  [ ! -e x.svg ]
}

#!/usr/bin/env bats
# train-linear sgd: denoisers learned by gradient descent, beside what theory expects.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 400 --height 4 --width 3 --rmin 1 --rmax 8 -o small.npy
  tensor head -n 200 small.npy -o front.nst
  tensor slice --from 200 small.npy -o back.nst
  # Gaussian samples, whose gradient noise theory knows: draws of the law of those.
  train-linear gaussian --shrink none small.npy -o law.safetensors
  sample --model law.safetensors --sampler exact -n 20000 -o drawn.safetensors
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

read_model='
import json, numpy as np
def tensors(path):
    raw = open(path, "rb").read(); n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n])
    meta = h.pop("__metadata__"); body = raw[8+n:]
    return {k: np.frombuffer(body[slice(*v["data_offsets"])], {"F32": "<f4", "F64": "<f8"}[v["dtype"]]).reshape(v["shape"])
            for k, v in h.items()}, meta
'

@test "the help names every optimizer, and each learns" {
  train-linear sgd --help | tr '\n' ' ' | tr -s ' ' >help
  for optimizer in sgd momentum nesterov adagrad adam amsgrad adopt diffgrad dog psgd; do
    grep -qE "one of.*[ ,]${optimizer}[, ]" help
    train-linear sgd --level 0.2 --optimizer $optimizer --steps 400 small.npy --curve curve.json -o model.safetensors
    jq -es '.[-1].excess < .3 * .[0].excess' curve.json
  done
}

@test "it comes to the closed form, numpy's, and says by how much it missed" {
  needs numpy
  train-linear sgd --level 0.2 --schedule theory --steps 3000 small.npy -o model.safetensors --progress=line 2>log
  grep -q 'E|D(y)-x|^2 is .*, that of the closed form' log
  py - <<END
$read_model
m, meta = tensors("model.safetensors"); x = np.load("small.npy").reshape(400, 12).astype(float)
assert meta["model.kind"] == "affine" and meta["model.loss"] == "score-matching" and meta["model.steps"] == "3000"
mean = x.mean(0); S = np.cov(x.T, bias=True); C = S + .04 * np.eye(12); best = S @ np.linalg.inv(C)
E = m["weights"] - best
assert np.linalg.norm(E) < .15, np.linalg.norm(E)
assert abs(np.trace(E @ C @ E.T) / 2 - float(meta["model.excess"])) < 1e-6
assert abs(np.trace(S - best @ S) - float(meta["model.least_error"])) < 1e-5
assert np.abs(m["offset"] - (mean - m["weights"] @ mean)).max() < 1e-5
END
}

@test "it denoises as the supervised closed form does, and is refused at other noise" {
  train-linear sgd --level 0.2 --steps 3000 small.npy -o sgd.safetensors
  noise gaussian --sigma 0.2 -k --seed 5 small.npy | train-linear regression --loss supervised -o closed.safetensors
  for model in sgd closed; do # on noise that neither has seen
    noise gaussian --sigma 0.2 -k --seed 6 small.npy | denoise --model $model.safetensors | metric mse --summary >$model.json
  done
  a=$(jq .mse sgd.json) b=$(jq .mse closed.json)
  awk -v a="$a" -v b="$b" 'BEGIN { exit !(a < 1.005 * b) }'
  noise gaussian --sigma 0.3 small.npy | fails_with 65 denoise --model sgd.safetensors
}

@test "--theory: measured and expected curves agree within Monte-Carlo error, SGD and heavy ball with step decay" {
  for how in "sgd --schedule constant" "sgd --schedule step" "momentum --momentum 0.8 --schedule step" "nesterov" "sgd --schedule theory"; do
    # shellcheck disable=SC2086
    train-linear sgd --optimizer $how --level 0.2 --batch 8 --steps 200 --theory --rows 8 --repeats 60 drawn.safetensors -o model.safetensors >curve.json
    jq -es 'all(.[1:][]; (.excess - .excess_theory | fabs) < 4 * .excess_stderr)' curve.json
    jq -es '.[0].excess == .[0].excess_theory or (.[0] | .excess - .excess_theory | fabs) < 1e-6' curve.json
  done
  train-linear sgd --sigma-law lognormal --sigma-range 0.02:2 --weight min-snr --batch 16 --steps 200 --theory --rows 8 \
    --repeats 60 drawn.safetensors -o model.safetensors >curve.json
  jq -es 'all(.[1:][]; (.excess - .excess_theory | fabs) < 4 * .excess_stderr)' curve.json
}

@test "--theory is numpy's recursion, and so are the rate, the stability and the noise scale of a row" {
  needs numpy
  train-linear sgd --level 0.2 --batch 8 --steps 64 --theory --rows 6 small.npy -o model.safetensors >curve.json
  py - <<END
import json, numpy as np
x = np.load("small.npy").reshape(400, 12).astype(float); lam = np.linalg.eigvalsh(np.cov(x.T, bias=True))
c = lam + .04; g = lam / c; tau = (lam * .04 / c).sum(); B = 8
k = lambda h: (h * c / (2 * B - h * c * (B + 1))).sum()
rows = [json.loads(line) for line in open("curve.json")]
h0 = rows[0]["learning_rate"]; assert abs(k(2 * h0) - 1) < 1e-5, k(2 * h0)  # half of the limit
m = g**2; t = 0
for row in rows:
    while t < row["step"]:
        h = h0 / 2 ** (t // 11)  # 64 / log2(64) = 10.7
        m = (1 - h * c)**2 * m + h**2 / B * (c**2 * m + c * (c @ m) + c * tau); t += 1
    assert abs(row["excess_theory"] / (c @ m / 2) - 1) < 1e-4, row
    h = row["learning_rate"]
    assert abs(row["stability"] / k(h) - 1) < 1e-4 and abs(row["stationary_excess"] / (tau * k(h) / 2 / (1 - k(h))) - 1) < 1e-4
m = g**2
exact = ((c @ m) * c.sum() + c**2 @ m + tau * c.sum()) / (c**2 @ m)
assert abs(rows[0]["gradient_noise_scale_exact"] / exact - 1) < 1e-4
END
}

@test "the gradient noise scale of minibatches is the exact one where nothing moves" {
  train-linear sgd --level 0.2 --learning-rate 1e-12 --schedule constant --batch 64 --steps 2000 --rows 2 --repeats 4 \
    --curve curve.json drawn.safetensors -o model.safetensors
  jq -es '.[-1] | .gradient_noise_scale / .gradient_noise_scale_exact - 1 | fabs < .1' curve.json
}

@test "the same bytes for any number of threads, again, and from parts" {
  for threads in 1 3; do
    train-linear sgd --level 0.2 --steps 50 --depth 2 --threads $threads --no-history small.npy -o $threads.safetensors --curve $threads.json
  done
  cmp 1.safetensors 3.safetensors
  cmp 1.json 3.json
  train-linear sgd --level 0.2 --steps 50 --depth 2 --state part-0.safetensors front.nst
  train-linear sgd --level 0.2 --steps 50 --depth 2 --state part-1.safetensors --first-index 200 back.nst
  train-linear merge --no-history part-1.safetensors part-0.safetensors -o merged.safetensors
  train-linear sgd --level 0.2 --steps 50 --depth 2 --no-history front.nst back.nst -o whole.safetensors
  cmp merged.safetensors whole.safetensors
  train-linear sgd --level 0.3 --steps 50 --depth 2 --state other.safetensors --first-index 400 back.nst
  fails_with 65 train-linear merge part-0.safetensors other.safetensors -o merged-wrong.safetensors
  [ ! -e merged-wrong.safetensors ]
}

@test "a checkpoint while samples come: the model and the curve are those of the whole run" {
  tensor cat small.npy -o stream.nst
  train-linear sgd --level 0.2 --steps 50 --no-history stream.nst -o whole.safetensors --curve whole.json
  mkfifo samples.pipe
  train-linear sgd --level 0.2 --steps 50 --no-history --checkpoint check.safetensors -o resumed.safetensors --curve resumed.json \
    <samples.pipe 3>&- & # descriptor 3 is that of bats
  run=$!
  exec 9>samples.pipe
  head -c 100000 stream.nst >&9
  sleep 0.5
  kill -TERM "$run"
  for _ in $(seq 50); do # the end of the pipe must not come before the signal was seen
    kill -0 "$run" 2>/dev/null || break
    sleep 0.1
  done
  exec 9>&-
  status=0
  wait "$run" || status=$?
  [ "$status" -eq 75 ]
  [ ! -e resumed.json ]
  train-linear sgd --level 0.2 --steps 50 --no-history --checkpoint check.safetensors --resume -o resumed.safetensors \
    --curve resumed.json stream.nst
  cmp whole.safetensors resumed.safetensors
  cmp whole.json resumed.json
}

@test "patches, fixed pairs, early stopping" {
  noise dead-leaves -n 2 --height 30 --width 30 -o images.nst
  train-linear sgd --patch 3 --level 0.1 --steps 200 images.nst -o patches.safetensors
  noise gaussian --sigma 0.1 images.nst | denoise --model patches.safetensors -o denoised.nst
  tensor head -n 12 small.npy -o few.npy
  train-linear sgd --axes NHW --level 0.5 --pairs fixed --early-stop --schedule constant --learning-rate 0.05 few.npy -o stopped.safetensors --curve stopped.json
  train-linear sgd --axes NHW --level 0.5 --pairs fixed --schedule constant --learning-rate 0.05 few.npy -o all.safetensors --curve all.json --theory
  [ "$(jq -s '.[-1].step' stopped.json)" -lt 1000 ]
  a=$(jq -s '.[-1].excess' stopped.json) b=$(jq -s '.[-1].excess' all.json)
  awk -v a="$a" -v b="$b" 'BEGIN { exit !(a < 0.5 * b) }'
  jq -es '(map(.excess_theory) | min) < .[-1].excess_theory' all.json # falls, and rises again
}

@test "bad options, bad samples: one line, and nothing written" {
  refused() {
    fails_with "$@" -o refused.safetensors --curve refused.json
    [ ! -e refused.safetensors ] && [ ! -e refused.json ] && [ ! -e refused.json.partial ]
  }
  refused 64 train-linear sgd small.npy
  refused 64 train-linear sgd --level 0 small.npy
  refused 64 train-linear sgd --level 0.2 --learning-rate 0 small.npy
  refused 64 train-linear sgd --level 0.2 --learning-rate -1 small.npy
  refused 64 train-linear sgd --level 0.2 --batch 0 small.npy
  refused 64 train-linear sgd --level 0.2 --steps 0 small.npy
  refused 64 train-linear sgd --level 0.2 --momentum 1 --optimizer momentum small.npy
  refused 64 train-linear sgd --level 0.2 --momentum 0.5 small.npy
  refused 64 train-linear sgd --level 0.2 --optimizer newton small.npy
  refused 64 train-linear sgd --level 0.2 --sigma-law uniform small.npy
  refused 64 train-linear sgd --sigma-law uniform --sigma-range 2:2 small.npy
  refused 64 train-linear sgd --level 0.2 --early-stop small.npy
  refused 64 train-linear sgd --level 0.2 --theory --optimizer adam small.npy
  refused 64 train-linear sgd --level 0.2 --learning-rate 1000 small.npy
  grep -q 'grew beyond all bounds' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 train-linear sgd --level 0.2 --curve - small.npy
  fails_with 64 train-linear sgd --level 0.2 --theory --state state.safetensors small.npy
  [ ! -e state.safetensors ]
  : >empty.nst
  refused 65 train-linear sgd --level 0.2 empty.nst
  noise gaussian --sigma 0.1 small.npy -o noisy.nst
  refused 65 train-linear sgd --level 0.2 noisy.nst
  refused 65 train-linear sgd --level 0.2 --max-size 1 drawn.safetensors drawn.safetensors
}

@test "rows of a curve all have the gradient noise scale, nan where minibatches tell nothing" {
  train-linear sgd --level 0.2 --steps 20 --curve keys.json small.npy -o model.safetensors
  jq -es 'map(has("gradient_noise_scale")) | all' keys.json
  jq -es '.[0].gradient_noise_scale == "nan"' keys.json
}

#!/usr/bin/env bats
# Mixtures of Gaussians: learning them, and denoising by them.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 3 --seed 2 --height 72 --width 64 -o clean.nst
  noise gaussian --sigma 0.1 -k --seed 5 clean.nst -o noisy.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# The mean of a key over JSON lines.
mean_of() { sed "s/.*\"$1\":\([-0-9.e]*\).*/\1/" | awk '{ s += $1 } END { printf "%.4f\n", s / NR }'; }

@test "mixture: learned from noisy patches, its posterior mean beats that of one Gaussian" {
  train-linear gaussian --patch 5 noisy.nst -o one.safetensors
  train-linear mixture --patch 5 --components 6 --rank auto noisy.nst -o six.safetensors
  local one six
  one=$(denoise --model one.safetensors noisy.nst | metric psnr | mean_of psnr)
  six=$(denoise --model six.safetensors noisy.nst | metric psnr | mean_of psnr)
  echo "one Gaussian $one dB, six $six dB"
  awk "BEGIN { exit !($six > $one + 0.5) }"
}

@test "mixture: parts of an array job, merged in any order, are the model of the single run byte for byte" {
  local options=(--patch 5 --components 4 --size-sample 3000 --seed 3)
  train-linear mixture "${options[@]}" --no-history noisy.nst -o whole.safetensors
  tensor slice --to 1 noisy.nst | train-linear mixture "${options[@]}" --state a.nst
  tensor slice --from 1 noisy.nst | train-linear mixture "${options[@]}" --state b.nst --first-index 1
  train-linear merge --no-history b.nst a.nst -o merged.safetensors
  cmp whole.safetensors merged.safetensors
  train-linear mixture "${options[@]}" --no-history --threads 2 noisy.nst -o threads.safetensors
  cmp whole.safetensors threads.safetensors
}

@test "mixture: posterior mean and log density are those of numpy, from the numbers in the model file" {
  needs numpy
  noise dead-leaves -n 400 --height 3 --width 2 --rmin 1 --rmax 8 -o small.npy
  train-linear mixture --components 3 --rank 2 small.npy -o small.safetensors
  noise gaussian --sigma 0.2 --seed 1 small.npy -o small-noisy.npy
  denoise --model small.safetensors --sigma 0.2 small-noisy.npy -o estimate.npy
  score log-density --model small.safetensors --sigma 0.2 small-noisy.npy >density.json
  py - <<END
import json, numpy as np
raw = open("small.safetensors", "rb").read(); n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n]); h.pop("__metadata__")
C = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
m = {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], C[v["dtype"]]).reshape(v["shape"]) for k, v in h.items()}
y = np.load("small-noisy.npy").reshape(400, 6).astype(float); t = .04
row = 0; logs = []; means = []
for k, r in enumerate(m["ranks"]):
    u = m["eigenvectors"][row:row+r].astype(float); lam = m["eigenvalues"][row:row+r]; row += r
    c = (u.T * lam) @ u + m["residual_variances"][k] * (np.eye(6) - u.T @ u)
    v = c + t * np.eye(6); z = y - m["means"][k]; solved = np.linalg.solve(v, z.T).T
    logs.append(np.log(m["weights"][k]) - .5 * ((z * solved).sum(1) + np.linalg.slogdet(v)[1] + 6 * np.log(2 * np.pi)))
    means.append(m["means"][k] + solved @ c)
logs = np.array(logs).T; top = logs.max(1, keepdims=True); w = np.exp(logs - top); density = top[:, 0] + np.log(w.sum(1)); w /= w.sum(1, keepdims=True)
assert np.abs(np.load("estimate.npy").reshape(400, 6) - np.einsum("nk,knd->nd", w, np.array(means))).max() < 1e-5
assert np.abs([json.loads(line)["log_density"] for line in open("density.json")] - density).max() < 1e-3
END
}

@test "denoise --patches: the most probable component beats the mean's average, adaptation beats both, at any thread count" {
  train-linear mixture --patch 6 --components 8 clean.nst -o patches.safetensors
  local mean map adapted
  mean=$(denoise --model patches.safetensors noisy.nst | metric psnr | mean_of psnr)
  map=$(denoise --model patches.safetensors --patches map noisy.nst | metric psnr | mean_of psnr)
  adapted=$(denoise --model patches.safetensors --patches map --passes 2 noisy.nst | metric psnr | mean_of psnr)
  echo "mean $mean dB, map $map dB, adapted $adapted dB"
  awk "BEGIN { exit !($map > $mean && $adapted > $mean) }"
  denoise --threads 1 --model patches.safetensors --patches epll --passes 2 --no-history noisy.nst -o one.nst
  denoise --threads 3 --model patches.safetensors --patches epll --passes 2 --no-history noisy.nst -o three.nst
  cmp one.nst three.nst
}

@test "denoise --self --method mixture: better than the image's own Gaussian, in each preset; grey and colour" {
  local own preset got
  train-linear gaussian --patch 8 noisy.nst -o own.safetensors
  own=$(denoise --model own.safetensors noisy.nst | metric psnr | mean_of psnr)
  for preset in fast middle best; do
    got=$(denoise --self --method mixture --preset "$preset" noisy.nst | metric psnr | mean_of psnr)
    echo "own Gaussian $own dB, $preset $got dB"
    awk "BEGIN { exit !($got > $own) }"
  done
  noise dead-leaves --colour --height 40 --width 40 -o colour.nst
  noise gaussian --sigma 0.1 -k colour.nst | denoise --self --method mixture --preset fast | metric psnr | grep -q psnr
}

@test "mixture: what does not fit is an error of one line" {
  noise dead-leaves -n 40 --height 3 --width 2 -o few.npy
  fails_with 65 train-linear mixture --components 40 few.npy
  [[ $(cat "$BATS_TEST_TMPDIR/fails.err") == *"components want at least 80 vectors"* ]]
  fails_with 64 train-linear mixture --patch 5 --rank 0 clean.nst
  fails_with 64 train-linear mixture --patch 5 --rank auto --noise fit clean.nst
  fails_with 65 train-linear mixture --patch 5 --sigma 100 clean.nst
  train-linear mixture --patch 5 --components 2 clean.nst -o two.safetensors
  train-linear gaussian --patch 5 clean.nst -o one.safetensors
  fails_with 64 denoise --model one.safetensors --patches map noisy.nst
  fails_with 64 denoise --model two.safetensors --patches map --stride 3 noisy.nst
  fails_with 64 denoise --model two.safetensors --stride 2 noisy.nst
  fails_with 64 denoise --self --patches map noisy.nst
  fails_with 64 denoise --self --method mixture --pool noisy.nst
  noise dead-leaves --colour --height 40 --width 40 | noise gaussian --sigma 0.1 -o colour-noisy.nst
  fails_with 65 denoise --model two.safetensors --patches map colour-noisy.nst
}

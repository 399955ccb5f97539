#!/usr/bin/env bats
load helpers

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 2 --height 64 --width 48 -o clean.nst
}

@test "noise gaussian: the difference has mean 0, variance sigma^2 and is normal" {
  needs numpy
  noise gaussian --sigma 25/255 -k --seed 3 -o noisy.safetensors clean.nst
  py - <<'END'
import json, numpy as np
raw = open("noisy.safetensors", "rb").read()
n = int.from_bytes(raw[:8], "little"); header = json.loads(raw[8:8+n]); body = raw[8+n:]
get = lambda name: np.frombuffer(body[slice(*header[name]["data_offsets"])], "<f4").reshape(header[name]["shape"])
z = (get("data") - get("clean")) / (25/255)
assert header["data"]["shape"] == [2, 64, 48]
m = z.size
assert abs(z.mean()) < 4/np.sqrt(m) and abs(z.var() - 1) < 4*np.sqrt(2/m)
assert abs((z**3).mean()) < 4*np.sqrt(15/m) and abs((z**4).mean() - 3) < 4*np.sqrt(96/m)
assert abs(np.corrcoef(z[0].ravel(), z[1].ravel())[0, 1]) < 4/np.sqrt(m/2)
END
}

@test "noise: mean and variance of every family are those of its law" {
  needs numpy
  py -c "import numpy as np; np.save('flat.npy', np.full((1, 300, 300), 0.5, 'f4'))"
  while read -r variance family; do
    # shellcheck disable=SC2086
    noise $family --seed 5 flat.npy -o y.npy
    py - "$variance" <<'END'
import sys, numpy as np
y, v = np.load("y.npy").astype(float), float(sys.argv[1])
assert abs(y.mean() - .5) < 4.5*np.sqrt(v/y.size), y.mean()
kurtosis = ((y-y.mean())**4).mean()/y.var()**2
assert abs(y.var()/v - 1) < 4.5*np.sqrt((kurtosis-1)/y.size), y.var()/v
END
  done <<'END'
0.01 gaussian --sigma 0.1
0.005 poisson --peak 100
0.005 poisson --zeta 0.01
0.0025 gamma --looks 100
0.0054 poisson-gaussian --gain 0.01 --read 0.02
0.00333333333 uniform --width 0.2
END
}

@test "noise: copy 0 of several is the single draw, the copies differ" {
  noise gaussian --sigma 0.1 --seed 9 clean.nst | tensor convert -o one.npy
  noise gaussian --sigma 0.1 --seed 9 --copies 3 clean.nst >three.nst
  tensor convert three.nst -o first.npy
  cmp one.npy first.npy
  [ "$(tensor info three.nst | head -n 1 | jq -r '.["reference.1_mean"] == .data_mean')" = false ]
}

@test "noise: threads, a batch and its split, and parts of an array job give the same bytes" {
  noise poisson --peak 30 --seed 2 --threads 1 clean.nst -o one.nst
  noise poisson --peak 30 --seed 2 --threads 3 clean.nst -o three.nst
  cmp one.nst three.nst
  tensor stack clean.nst | noise poisson --peak 30 --seed 2 -o batch.npy
  tensor convert one.nst -o split.npy
  cmp batch.npy split.npy
  tensor slice --to 1 clean.nst | noise poisson --peak 30 --seed 2 -o part-0.nst
  tensor slice --from 1 clean.nst | noise poisson --peak 30 --seed 2 --first-index 1 -o part-1.nst
  tensor cat --restream part-0.nst part-1.nst | tensor convert -o joined.npy
  cmp joined.npy split.npy
}

@test "noise: every instruction set gives the same bytes" {
  for family in "gaussian --sigma 0.1" "poisson --peak 20" "gamma --looks 3" "poisson-gaussian --gain .01 --read .1" "uniform --width 1"; do
    # shellcheck disable=SC2086
    NOISEUTILS_ISA=baseline noise $family clean.nst >baseline.nst
    for isa in avx2 avx512; do
      # shellcheck disable=SC2086
      if NOISEUTILS_ISA=$isa noise $family clean.nst >other.nst 2>err; then
        cmp baseline.nst other.nst
      else
        grep -q 'not available' err
      fi
    done
  done
  NOISEUTILS_ISA=sse9 fails_with 64 noise gaussian --sigma 1 clean.nst
}

@test "noise: what libm makes of this processor does not matter" {
  noise dead-leaves --height 302 --width 353 | tensor convert --dtype F64 -o odd.nst
  # Without fused multiply-add glibc has other sines, for some of the angles of these sizes. Other systems ignore this.
  tensor convert odd.nst -o odd.npy
  for word in "gaussian --sigma 1e-30 --operator blur:1.3" "correlated --sigma 1 --psd odd.npy" isp; do
    # shellcheck disable=SC2086
    noise $word odd.nst >fused.nst
    # shellcheck disable=SC2086
    GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4 noise $word odd.nst >plain.nst
    cmp fused.nst plain.nst
  done
}

@test "noise: clip, and what it needs to know" {
  noise gaussian --sigma 1 --clip clean.nst | tensor info >info
  [ "$(value data_min info)" = 0 ]
  [ "$(value data_max info)" = 1 ]
  tensor convert clean.nst -o plain.npy
  fails_with 65 noise gaussian --sigma 1 --clip plain.npy
}

@test "noise: values too large for their type are an error, not infinities" {
  needs numpy
  py -c "import numpy as np; np.save('large.npy', np.full((8, 8), 1e308))"
  fails_with 65 noise gamma --looks 0.01 large.npy -o out.npy | grep 'sample large.npy: the result is not finite'
  [ ! -e out.npy ]
}

@test "noise: metadata say what was done, twice if twice" {
  noise gaussian --sigma 0.25 --seed 7 clean.nst | noise uniform --width 0.5 | tensor info >info
  [ "$(value noise info)" = '[{"family":"gaussian","seed":7,"sigma":0.25},{"family":"uniform","seed":0,"width":0.5}]' ]
  noise gaussian --sigma 1/4 --seed 7 clean.nst | tensor history >text
  [ "$(head -n 1 text)" = 'noise dead-leaves --height 64 --width 48 --seed 0 | noise gaussian --sigma 1/4 --seed 7' ]
}

@test "noise: what cannot be done is said before anything is written" {
  fails_with 64 noise
  fails_with 64 noise gaussian clean.nst
  fails_with 64 noise gaussian --sigma 0 clean.nst
  fails_with 64 noise gaussian --sigma nan clean.nst
  fails_with 64 noise gaussian --sigma 1 --peak 3 clean.nst
  fails_with 64 noise poisson --peak 3 --zeta 1 clean.nst
  fails_with 64 noise banana clean.nst
  fails_with 64 noise gaussian --sigma 1 --sigma 2 clean.nst
  fails_with 64 noise dead-leaves --rmin 5 --rmax 2
  noise gaussian --sigma 1 clean.nst -o negative.nst
  fails_with 65 noise poisson --peak 10 negative.nst -o out.nst
  [ ! -e out.nst ]
  [ ! -e out.nst.partial ]
}

@test "dead-leaves: the correlation is B / (2 B0 - B)" {
  needs numpy
  noise dead-leaves -n 24 --height 128 --width 128 --rmin 2 --rmax 20 --seed 4 -o leaves.npy
  py - <<'END'
import numpy as np
x = np.load("leaves.npy").astype(float) - .5
r = np.linspace(2, 20, 20001); p = r**-3.; p /= p.sum()
def B(t):
    s = np.minimum(t/(2*r), 1)
    return (p * (2*r**2*np.arccos(s) - t*r*np.sqrt(1-s**2))).sum()
for t in (1, 2, 4, 8, 16):
    expected = B(t)/(2*B(0)-B(t))
    pairs = np.concatenate([(x[:, t:]*x[:, :-t]).mean((1, 2)), (x[:, :, t:]*x[:, :, :-t]).mean((1, 2))])
    got, se = 12*pairs.mean(), 12*pairs.std()/np.sqrt(24)
    assert abs(got - expected) < 4.5*se + .01, (t, got, expected, se)
assert abs(12*(x**2).mean() - 1) < .05
END
}

#!/usr/bin/env bats
# Samplers against transcriptions of their papers into numpy that share nothing with ours: neither code nor random
# numbers, since both begin from the states of a file.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  cat >laws.py <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records, write_record

def model(name, kind, tensors):
    with open(name, "wb") as file:
        write_record(file, tensors, {"format": "noiseutils/1", "model.kind": kind, "model.axes": "D",
            "model.shape": "[%d]" % d, "model.patch": "0", "model.count": "1"})

d, K, variance = 64, 20, .25
random = np.random.RandomState(1)
U = np.linalg.qr(random.standard_normal((d, d)))[0].T.copy()
mean, spectrum = random.standard_normal(d), 4./(1 + np.arange(d))**2
means = 2*random.standard_normal((K, d))
of = random.randint(K, size=48)
clean = means[of] + variance**.5*random.standard_normal((48, d))
noise = random.standard_normal((48, d))

def D_gaussian(x, s):  # posterior mean: mean + U^T diag(lambda / (lambda + s^2)) U (x - mean)
    return mean + (x - mean) @ U.T * (spectrum/(spectrum + s*s)) @ U
def D_mixture(x, s):
    square = (means**2).sum(1) - 2*x @ means.T  # but for |x|^2, which is common
    w = np.exp(-(square - square.min(1, keepdims=True))/(2*(variance + s*s)))
    w /= w.sum(1, keepdims=True)
    shrink = variance/(variance + s*s)
    return shrink*x + (1 - shrink)*(w @ means)
laws = {"gaussian": D_gaussian, "mixture": D_mixture}

def start(name, s): return (mean if name == "gaussian" else clean) + s*noise
def karras(M, m, N, rho=7): return np.append((M**(1/rho) + np.arange(N)/(N - 1)*(m**(1/rho) - M**(1/rho)))**rho, 0)
def log_levels(M, m, N): return np.append(M*(m/M)**(np.arange(N)/(N - 1)), 0)
def loaded(name):
    with open(name, "rb") as file: return next(iter(read_records(file)))[0]["data"]
def relative(x, y): return np.sqrt(((x - y)**2).sum()/(y**2).sum())

def flow(D, x, s):
    """The probability flow by 1000 steps of RK4 in log s, then D."""
    f = lambda x, u: x - D(x, np.exp(u))
    u = np.linspace(np.log(s[0]), np.log(s[-2]), 1001)
    for a, h in zip(u[:-1], np.diff(u)):
        k1 = f(x, a)
        k2 = f(x + h/2*k1, a + h/2)
        k3 = f(x + h/2*k2, a + h/2)
        x = x + h/6*(k1 + 2*k2 + 2*k3 + f(x + h*k3, a + h))
    return D(x, s[-2])

if __name__ == "__main__":
    model("gaussian.safetensors", "gaussian", {"mean": mean, "eigenvectors": U, "eigenvalues": spectrum})
    model("mixture.safetensors", "mixture", {"weights": np.full(K, 1/K), "means": means, "ranks": np.ones(K, np.int64),
        "eigenvectors": np.eye(K, d), "eigenvalues": np.full(K, variance), "residual_variances": np.full(K, variance)})
    for name in laws:
        for s in (14.6, 80):
            with open(f"{name}-{s}.safetensors", "wb") as file:
                write_record(file, {"data": start(name, s)}, {"format": "noiseutils/1", "axes": "ND"})
            np.save(f"{name}-{s}-flow.npy", flow(laws[name], start(name, s), [s, {14.6: .01, 80: .002}[s], 0]))
END_OF_PYTHON
  export PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples:$BATS_FILE_TMPDIR
  needs numpy
  py laws.py
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# run_from LAW SIGMA NAME OPTION...: samples from the states at that sigma, as doubles, into LAW-NAME.safetensors.
run_from() {
  sample --model "$1.safetensors" --init "$1-$2.safetensors" --sigma-max "$2" --dtype F64 "${@:4}" -o "$1-$3.safetensors"
}

@test "sample against numpy: DDIM, Heun and DPM-Solver++(2M), on a Gaussian law and a mixture, to 1e-6" {
  for law in gaussian mixture; do
    run_from $law 80 ddim --sampler ddim --steps 20
    run_from $law 80 heun --sampler heun --steps 20
    run_from $law 80 2m --sampler dpmpp-2m --steps 20
    run_from $law 80 2m-heun --sampler dpmpp-2m --solver-type heun --steps 20
  done
  py - <<'END_OF_PYTHON'
from laws import *
def ddim(D, x, s):
    for a, b in zip(s[:-1], s[1:]): x = D(x, a) + b/a*(x - D(x, a))
    return x
def heun(D, x, s):  # EDM, algorithm 1
    for a, b in zip(s[:-1], s[1:]):
        slope = (x - D(x, a))/a
        y = x + (b - a)*slope
        x = y if b == 0 else x + (b - a)*(slope + (y - D(y, b))/b)/2
    return x
def dpmpp_2m(D, x, s, by_heun=False):  # with alpha_t = 1, sigma_t = s, lambda = -log s
    before = None
    for i in range(len(s) - 1):
        now, a, b = D(x, s[i]), s[i], s[i + 1]
        if b == 0: return now
        h = np.log(a) - np.log(b)
        if before is None: x = b/a*x - (np.exp(-h) - 1)*now
        else:
            r = (np.log(s[i - 1]) - np.log(a))/h
            slope = (now - before)/r
            x = b/a*x - (np.exp(-h) - 1)*now
            x = x + ((np.exp(-h) - 1)/h + 1)*slope if by_heun else x - (np.exp(-h) - 1)/2*slope
        before = now
    return x
s = karras(80, .002, 20)
ways = {"ddim": ddim, "heun": heun, "2m": dpmpp_2m, "2m-heun": lambda D, x, s: dpmpp_2m(D, x, s, True)}
for law, D in laws.items():
    exact = np.load(f"{law}-80-flow.npy")
    for name, way in ways.items():
        expected, got = way(D, start(law, 80), s), loaded(f"{law}-{name}.safetensors")
        error = np.abs(got - expected).max()/np.abs(expected).max()
        print(law, name, error, relative(got, exact))
        assert got.dtype == np.float64 and error < 1e-6, (law, name, error)
END_OF_PYTHON
}

@test "sample against numpy: gradient estimation, ahead of DDIM on a falling spectrum, not on every law" {
  for law in gaussian mixture; do
    for N in 5 10 20; do
      run_from $law 14.6 ddim-$N --sampler ddim --steps $N --sigma-min 0.01 --spacing log
      run_from $law 14.6 ge-$N --sampler gradient-estimation --steps $N --sigma-min 0.01 --spacing log
    done
  done
  py - <<'END_OF_PYTHON'
from laws import *
def gradient_estimation(D, x, s, gamma):
    before = None
    for a, b in zip(s[:-1], s[1:]):
        if b == 0: return D(x, a)
        e = (x - D(x, a))/a
        x = x + (b - a)*(e if before is None else gamma*e + (1 - gamma)*before)
        before = e
ratio = {}
for law, D in laws.items():
    for N in (5, 10, 20):
        s = log_levels(14.6, .01, N)
        exact = np.load(f"{law}-14.6-flow.npy")
        got = {name: loaded(f"{law}-{name}-{N}.safetensors") for name in ("ddim", "ge")}
        for name, gamma in (("ddim", 1), ("ge", 2)):
            expected = gradient_estimation(D, start(law, 14.6), s, gamma)
            assert np.abs(got[name] - expected).max() < 1e-6*np.abs(expected).max(), (law, name, N)
        errors = [relative(got[name], exact) for name in ("ddim", "ge")]
        ratio[law, N] = errors[1]/errors[0]
        print(law, N, errors, ratio[law, N])
assert ratio["gaussian", 5] < .7 and ratio["gaussian", 10] < .7
assert ratio["mixture", 5] > 1  # twenty modes: worse at five steps
assert ratio["mixture", 20] < .7
END_OF_PYTHON
}

@test "sample against numpy: rk45 reaches the flow to its tolerance" {
  for law in gaussian mixture; do
    for tolerance in 1e-4 1e-6 1e-9; do run_from $law 80 rk-$tolerance --sampler rk45 --tolerance $tolerance; done
  done
  run_from gaussian 80 path --sampler rk45 --tolerance 1e-8 --steps 30 --trajectory
  py - <<'END_OF_PYTHON'
from laws import *
s, path = karras(80, .002, 30), loaded("gaussian-path.safetensors")
for i, level in enumerate(s[:-1]):
    gain = np.sqrt((spectrum + level**2)/(spectrum + 80**2))
    exact = mean + (start("gaussian", 80) - mean) @ U.T * gain @ U
    assert relative(path[:, i], exact) < 1e-5, (i, relative(path[:, i], exact))
for law in laws:
    exact = np.load(f"{law}-80-flow.npy")
    for tolerance in ("1e-4", "1e-6", "1e-9"):
        error = relative(loaded(f"{law}-rk-{tolerance}.safetensors"), exact)
        print(law, tolerance, error)
        assert error < 100*float(tolerance) + 1e-9, (law, tolerance, error)  # RK4's own is below 1e-9
END_OF_PYTHON
}

@test "sample against numpy: UniPC, DPM-Solver-3, DPM-Solver++(3M), DEIS and PLMS as their papers write them" {
  law=mixture
  for p in 1 2 3; do
    run_from $law 80 unipc-$p-x0 --sampler unipc-$p --steps 20
    run_from $law 80 unipc-$p-epsilon --sampler unipc-$p --steps 20 --variant bh1 --prediction epsilon
  done
  run_from $law 80 solver-3 --sampler dpm-solver-3 --steps 20
  run_from $law 80 3m --sampler dpmpp-3m --steps 20
  run_from $law 80 3m-compat --sampler dpmpp-3m --steps 20 --compat
  run_from $law 80 deis --sampler deis-3 --steps 20
  run_from $law 80 plms --sampler plms --steps 20
  py - <<'END_OF_PYTHON'
from laws import *
from math import factorial
D, s = D_mixture, karras(80, .002, 20)
N, x0 = 20, start("mixture", 80)
e = lambda x, s: (x - D(x, s))/s
def unipc(order, epsilon):  # Zhao et al., B(h) = h for the noise (bh1), e^h - 1 for x0 (bh2) here
    model, lam = (e if epsilon else D), -np.log(s[:-1])
    x, m = x0, [model(x0, s[0])]
    for i in range(N):
        a, b = s[i], s[i + 1]
        if b == 0: return x - a*m[-1] if epsilon else m[-1]
        p, h = min(order, i + 1, N - i), lam[i + 1] - lam[i]
        hh = h if epsilon else -h
        B = hh if epsilon else np.expm1(hh)
        r = [(lam[i - k] - lam[i])/h for k in range(1, p)] + [1.]
        q, rhs = np.expm1(hh)/hh - 1, []
        for j in range(1, p + 1):
            rhs.append(q*factorial(j)/B)
            q = q/hh - 1/factorial(j + 1)
        R = np.array([[rk**j for rk in r] for j in range(p)])
        differences = [(m[i - k] - m[i])/r[k - 1] for k in range(1, p)]
        base = x - b*np.expm1(hh)*m[i] if epsilon else b/a*x - np.expm1(hh)*m[i]
        scale = b*B if epsilon else B
        ahead = [] if p == 1 else [.5] if p == 2 else np.linalg.solve(R[:-1, :-1], rhs[:-1])
        m.append(model(base - scale*sum(w*d for w, d in zip(ahead, differences)), b))
        rho = [.5] if p == 1 else np.linalg.solve(R, rhs)
        x = base - scale*sum(w*d for w, d in zip(rho, differences + [m[i + 1] - m[i]]))
def solver_3():
    x, r1, r2 = x0, 1/3, 2/3
    for a, b in zip(s[:-1], s[1:]):
        if b == 0: return D(x, a)
        h = np.log(a/b)
        s1, s2, slope = a*np.exp(-r1*h), a*np.exp(-r2*h), e(x, a)
        d1 = e(x - s1*np.expm1(r1*h)*slope, s1) - slope
        u2 = x - s2*np.expm1(r2*h)*slope - s2*r2/r1*(np.expm1(r2*h)/(r2*h) - 1)*d1
        x = x - b*np.expm1(h)*slope - b/r2*(np.expm1(h)/h - 1)*(e(u2, s2) - slope)
def dpmpp_3m(factor):
    x, outputs, steps = x0, [], []
    for a, b in zip(s[:-1], s[1:]):
        outputs.append(D(x, a))
        if b == 0: return outputs[-1]
        h = np.log(a/b)
        x = b/a*x - np.expm1(-h)*outputs[-1]
        if len(steps) >= 1:
            r0 = steps[-1]/h
            D1 = D10 = (outputs[-1] - outputs[-2])/r0
            if len(steps) >= 2:
                r1 = steps[-2]/h
                D11 = (outputs[-2] - outputs[-3])/r1
                D1 = D10 + r0/(r0 + r1)*(D10 - D11)
                x = x - ((np.expm1(-h) + h)/h**2 - .5)*factor*(D10 - D11)/(r0 + r1)
            x = x + (np.expm1(-h)/h + 1)*D1
        steps.append(h)
def deis():  # by Gauss-Legendre, in log s
    x, slopes = x0, []
    nodes, weights = np.polynomial.legendre.leggauss(20)
    for i in range(N):
        a, b = s[i], s[i + 1]
        if b == 0: return D(x, a)
        slopes.append(e(x, a))
        k = min(3, i + 1)
        at = np.log(s[i - np.arange(k)])
        u = (np.log(a) + np.log(b))/2 + nodes*(np.log(b) - np.log(a))/2
        for j in range(k):
            basis = np.prod([(u - at[m])/(at[j] - at[m]) for m in range(k) if m != j], axis=0)
            x = x + (weights*basis*np.exp(u)).sum()*(np.log(b) - np.log(a))/2*slopes[-1 - j]
def plms():
    x, slopes = x0, []
    table = [None, [3/2, -1/2], [23/12, -16/12, 5/12], [55/24, -59/24, 37/24, -9/24]]
    for a, b in zip(s[:-1], s[1:]):
        if b == 0: return D(x, a)
        slopes.append(e(x, a))
        if len(slopes) == 1: x = x + (b - a)/2*(slopes[0] + e(x + (b - a)*slopes[0], b))
        else: x = x + (b - a)*sum(w*slope for w, slope in zip(table[min(len(slopes), 4) - 1], slopes[::-1]))
expected = {"solver-3": solver_3(), "3m": dpmpp_3m(2), "3m-compat": dpmpp_3m(1), "deis": deis(), "plms": plms()}
for p in (1, 2, 3):
    expected[f"unipc-{p}-x0"], expected[f"unipc-{p}-epsilon"] = unipc(p, False), unipc(p, True)
exact = np.load("mixture-80-flow.npy")
for name, value in expected.items():
    got = loaded(f"mixture-{name}.safetensors")
    error = np.abs(got - value).max()/np.abs(value).max()
    print(name, error, relative(got, exact))
    assert error < 1e-6, (name, error)
END_OF_PYTHON
}

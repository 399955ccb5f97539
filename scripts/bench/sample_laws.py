"""Two of the three laws that samplers are compared on, as model files: run as a program it writes them here.

power-law.safetensors   Gaussian, 32 x 32, power spectrum 1/f^2 with f = 0.5/32 at 0, mean variance 0.25
mixture.safetensors     20 components in 64 dimensions, of equal weight: means N(0, 0.25 I), covariances of variance 0.25
                        in 8 directions and 0.01 in the others
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
from noiseutils_stream import write_record


def power_law():
    f = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.rfftfreq(32))
    f[0, 0] = 0.5 / 32
    power = 1 / f**2
    both = np.full(17, 2.0)  # columns of the half spectrum that stand for two
    both[[0, 16]] = 1
    power *= 0.25 * 32 * 32 / (power * both).sum()
    return {"mean": np.full(1, 0.5), "power": power[..., None]}, {
        "model.kind": "stationary", "model.axes": "HW", "model.shape": "[32,32]"}


def mixture(components=20, dim=64, rank=8):
    rng = np.random.default_rng(20)
    rows = np.concatenate([np.linalg.qr(rng.standard_normal((dim, rank)))[0].T for _ in range(components)])
    return {"weights": np.full(components, 1 / components), "means": 0.5 * rng.standard_normal((components, dim)),
            "ranks": np.full(components, rank), "eigenvectors": rows,
            "eigenvalues": np.full(components * rank, 0.25), "residual_variances": np.full(components, 0.01)}, {
        "model.kind": "mixture", "model.axes": "D", "model.shape": f"[{dim}]"}


def write(name, law):
    tensors, metadata = law
    with open(name, "wb") as file:
        write_record(file, tensors, {"format": "noiseutils/1", "model.patch": "0", "model.count": "1", **metadata})


if __name__ == "__main__":
    write("power-law.safetensors", power_law())
    write("mixture.safetensors", mixture())

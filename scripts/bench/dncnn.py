"""A trained network as a peer, for `denoise --denoiser 'python3 dncnn.py WEIGHTS.npz'`: DnCNN (Zhang et al. 2017), whose
weights w00 ... are (out, in, 3, 3), with biases b00 ... (out) or without; x = y - net(y), ReLU between convolutions, zero padding; numpy alone.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
from noiseutils_stream import read_records, write_record  # noqa: E402


def convolve(image, weight):
    """image C x N x H x W, weight O x C x 3 x 3: nine products of matrices, one a tap."""
    channels, count, height, width = image.shape
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((weight.shape[0], count * height * width), "f4")
    for r in range(3):
        for c in range(3):
            shifted = padded[:, :, r:r + height, c:c + width].reshape(channels, -1)
            out += np.ascontiguousarray(weight[:, :, r, c]) @ shifted
    return out.reshape(-1, count, height, width)


def residual(layers, noisy):
    """What the network takes for noise in images N x H x W."""
    state = noisy[None]
    for k, (weight, bias) in enumerate(layers):
        state = convolve(state, weight) + bias[:, None, None, None]
        if k + 1 < len(layers):
            np.maximum(state, 0, out=state)
    return state[0]


def main(file):
    weights = np.load(file)
    layers = [(weights[name].astype("f4"), weights["b" + name[1:]].astype("f4") if "b00" in weights else np.zeros(1, "f4"))
              for name in sorted(weights.files) if name.startswith("w")]
    for tensors, metadata in read_records(sys.stdin.buffer):
        noisy = tensors["data"].astype("f4")
        images = noisy.reshape(-1, *noisy.shape[-2:])
        at_once = max(1, (1 << 16) // images[0].size)  # what fits the caches
        taken = [residual(layers, images[i:i + at_once]) for i in range(0, len(images), at_once)]
        tensors["data"] = noisy - np.concatenate(taken).reshape(noisy.shape)
        write_record(sys.stdout.buffer, tensors, metadata)


main(sys.argv[1])

"""A trained network as a peer, for `denoise --denoiser 'python3 dncnn.py WEIGHTS.npz'`: DnCNN (Zhang et al. 2017), whose
weights w00 ... are (out, in, 3, 3), with biases b00 ... (out) or without; x = y - net(y), ReLU between convolutions, zero padding; numpy alone.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
from noiseutils_stream import read_records, write_record  # noqa: E402


def convolve(image, weight):
    """image C x H x W, weight O x C x 3 x 3: nine products of matrices, one a tap."""
    channels, height, width = image.shape
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((weight.shape[0], height * width), "f4")
    for r in range(3):
        for c in range(3):
            shifted = padded[:, r:r + height, c:c + width].reshape(channels, -1)
            out += np.ascontiguousarray(weight[:, :, r, c]) @ shifted
    return out.reshape(-1, height, width)


def main(file):
    weights = np.load(file)
    layers = [(weights[name].astype("f4"), weights["b" + name[1:]].astype("f4") if "b00" in weights else np.zeros(1, "f4"))
              for name in sorted(weights.files) if name.startswith("w")]
    for tensors, metadata in read_records(sys.stdin.buffer):
        noisy = tensors["data"].astype("f4")
        state = noisy.reshape(1, *noisy.shape[-2:])
        for k, (weight, bias) in enumerate(layers):
            state = convolve(state, weight) + bias[:, None, None]
            if k + 1 < len(layers):
                np.maximum(state, 0, out=state)
        tensors["data"] = noisy - state.reshape(noisy.shape)
        write_record(sys.stdout.buffer, tensors, metadata)


main(sys.argv[1])

#!/usr/bin/env python3
"""A denoiser for `denoise --denoiser 'python3 lee_filter.py'`: Lee's filter (1980) in a 5 x 5 window, with numpy alone."""
import json
import sys

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from noiseutils_stream import read_records, write_record


def lee(noisy, sigma):
    """mean + (variance - sigma^2)_+ / variance (noisy - mean), from the window around each pixel of each image."""
    pad = [(0, 0)] * (noisy.ndim - 2) + [(2, 2)] * 2
    windows = sliding_window_view(np.pad(noisy, pad, mode="reflect"), (5, 5), axis=(-2, -1))
    mean, variance = windows.mean((-2, -1)), windows.var((-2, -1))
    gain = np.maximum(variance - sigma**2, 0) / np.maximum(variance, sigma**2)
    return mean + gain * (noisy - mean)


for tensors, metadata in read_records(sys.stdin.buffer):
    sigma = json.loads(metadata["noise"])["sigma"]
    tensors["data"] = lee(tensors["data"], sigma)
    write_record(sys.stdout.buffer, tensors, metadata)

#pragma once

#include "denoise/float_plane.hpp"

namespace noiseutils {

/// An image of half the size (rounded down) with the lower half of the frequencies of each axis: the inverse of the
/// first quarter of the orthonormal DCT-II. White noise keeps its standard deviation; values double.
FloatPlane half_size(const FloatPlane& image);

/// Moves the lowest quarter of the frequencies of each axis of `image` towards those of `half`, of half_size() of it or
/// an estimate of that: DCT <- (1 - mix) DCT + mix DCT(half).
/// Why: what is far larger than a patch is better seen, and denoised, at half the size.
void mix_low_frequencies(FloatPlane& image, const FloatPlane& half, double mix);

}  // namespace noiseutils

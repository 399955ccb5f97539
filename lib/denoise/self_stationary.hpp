#pragma once

#include "denoise/float_plane.hpp"

namespace noiseutils {

/// Estimates an image under white noise of variance 1 by one shift-invariant filter, the Wiener filter of a stationary
/// law that the image itself tells. Y: its orthonormal DCT-II, that is, the image reflected at its borders:
///   P(k) = mean over a box about k of |Y|^2,   D(k) = max(0, P(k) - 1) / P(k) Y(k)
/// The box has a radius of 12 frequencies, less in small images; it is reflected, too. The mean, k = 0, is kept and
/// left out. Source: Wiener, "Extrapolation, interpolation, and smoothing of stationary time series", 1949; the
/// spectrum by the smoothed periodogram of Daniell, 1946, less the noise.
FloatPlane stationary_estimate(const FloatPlane& noisy);

}  // namespace noiseutils

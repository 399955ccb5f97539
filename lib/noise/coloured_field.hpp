#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "noise/noise.hpp"

namespace noiseutils {

/// Fills elements first, first+1, ... with independent standard normals.
using WhiteSource = std::function<void(std::uint64_t first, std::span<double> out)>;

/// planes x height x width values of stationary Gaussian noise of variance 1, each plane on its own:
///   n(y, x) = sum_{a,b} k(a, b) w(y + a, x + b) / |k|_2,  w white noise that goes on beyond the plane.
/// `out` has planes * height * width elements; kernel: rank 1 (along x) or 2, not all zero.
void fill_by_kernel(const WhiteSource& white, const Tensor& kernel, std::int64_t height, std::int64_t width,
                    std::span<double> out);

/// The same with the power spectral density S(ky, kx), in FFT order, of the shape of a plane, periodic:
///   n = F^-1 (sqrt(S / mean S) F w).
/// Real noise has S(k) = S(-k): their mean counts.
void fill_by_spectrum(const WhiteSource& white, const Tensor& spectrum, std::int64_t height, std::int64_t width,
                      std::span<double> out);

}  // namespace noiseutils

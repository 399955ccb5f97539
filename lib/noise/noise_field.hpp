#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "noise/known_noise.hpp"

namespace noiseutils {

/// The variance of the noise of each of the `size` elements of a sample, where it is additive and differs between them
/// (--sigma-map, --map); empty where it is the same everywhere or depends on the clean value.
std::vector<double> element_variances(const KnownNoise& noise, std::int64_t size);

/// The power spectral density S of additive stationary noise on height x width planes, independent between planes, as a
/// half spectrum, height x (width/2+1): the variance of each coefficient of the orthonormal Fourier transform, so that
/// the mean of S over the whole spectrum is the variance of an element.
///   gaussian     sigma^2
///   correlated   sigma^2 |K|^2 / |k|^2, K the transform of the kernel k, taken for periodic; or its psd S, scaled and
///                symmetric (coloured_field.hpp). What frames share is not used.
///   row-column   row^2 width at kx = 0, column^2 height at ky = 0
/// nullopt where the noise is white, or some law is of another kind or has a map.
std::optional<std::vector<double>> noise_spectrum(const KnownNoise& noise, std::int64_t height, std::int64_t width);

/// The covariance of noise of that spectrum within a block of rows x columns pixels of `channels` planes: d x d,
/// d = channels rows columns, 0 between planes, from that between pixels (0, 0) and (dy, dx),
///   gamma(dy, dx) = 1/(H W) sum_k S(k) cos(2 pi (ky dy / H + kx dx / W))
std::vector<double> block_covariance(const std::vector<double>& spectrum, std::int64_t height, std::int64_t width,
                                     std::int64_t channels, std::int64_t rows, std::int64_t columns);

}  // namespace noiseutils

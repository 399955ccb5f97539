#pragma once

#include <cstdint>

#include "metric/kernels.hpp"

namespace noiseutils {

constexpr double kSsimK1 = 0.01, kSsimK2 = 0.03;

/// The sum, over all windows that lie inside two images of height by width, of
///   (2 mx my + c1) (2 sxy + c2) / ((mx^2 + my^2 + c1) (sx^2 + sy^2 + c2))
/// with moments under an 11 x 11 Gaussian window of sigma 1.5 and weights of sum 1.
/// Source: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Processing 13, 2004, eq. (13)-(16).
double ssim_window_sum(const float* x, const float* y, std::int64_t height, std::int64_t width, double c1, double c2);
double ssim_window_sum(const double* x, const double* y, std::int64_t height, std::int64_t width, double c1, double c2);

}  // namespace noiseutils

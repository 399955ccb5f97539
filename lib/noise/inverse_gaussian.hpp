#pragma once

#include <cstdint>
#include <span>

#include "noise/noise.hpp"

namespace noiseutils {

/// y ~ inverse Gaussian of mean x and shape 1 / phi: density (2 pi phi y^3)^(-1/2) exp(-(y - x)^2 / (2 phi x^2 y)),
/// variance phi x^3; 0 where x is 0. At most 512 elements at a time; x and y are different memory.
/// Source: Michael, Schucany, Haas, The American Statistician 30 (1976), with their smaller root in a form that does
/// not cancel.
void draw_inverse_gaussian(const NoiseKey& key, std::uint64_t first, double phi, std::span<const double> x,
                           std::span<double> y);
double inverse_gaussian_log_density(double y, double x, double phi);

}  // namespace noiseutils

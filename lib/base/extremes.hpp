#pragma once

#include <cmath>

namespace noiseutils {

/// The larger and the smaller of two numbers; NaN if either is. std::max and std::min keep the other, and so lose that
/// a figure is unknown.
inline double larger_or_nan(double a, double b) { return std::isnan(a) || a > b ? a : b; }
inline double smaller_or_nan(double a, double b) { return std::isnan(a) || a < b ? a : b; }

}  // namespace noiseutils

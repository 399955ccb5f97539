#pragma once

#include <vector>

#include "estimate/plane.hpp"

namespace noiseutils {

/// A 2x2 group of pixels: its mean (a + b + c + d) / 4 and its Haar detail (a - b - c + d) / 2, which has the variance
/// of the noise where there is no structure.
struct HaarGroup {
  double mean = 0, detail = 0;
  std::size_t tile = 0;
};

/// The disjoint 2x2 groups of the planes, row by row, without those that hold clipped values or one value only.
/// Throws DataError if there are none.
std::vector<HaarGroup> haar_groups(const std::vector<Plane>& planes);

/// The median; the values are reordered. NaN of none.
double median_of(std::vector<double>& values);

/// Median absolute value over that of a normal variable of standard deviation 1.
inline constexpr double kNormalMedian = 0.6744897501960817;

}  // namespace noiseutils

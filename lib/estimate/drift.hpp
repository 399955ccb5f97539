#pragma once

#include <vector>

#include "estimate/method.hpp"

namespace noiseutils {

/// How repeated captures of one scene differ beside their noise, one entry a capture.
struct Drift {
  std::vector<Estimated> brightness;     ///< capture over the mean of all captures
  std::vector<Estimated> rows, columns;  ///< shift of the scene in pixels, downwards and to the right, against the mean

  /// The largest |brightness - 1| and the longest shift, with their errors.
  Estimated largest_brightness() const;
  Estimated largest_shift() const;
};

/// Least squares of each capture on the mean M of all,
///   y_k = s M - dr dM/dr - dc dM/dc,
/// shift (dr, dc) / s; both smoothed by a binomial mask of 9, central differences; errors by leaving out tiles.
/// True for shifts below about a pixel.
/// Source: Lucas, Kanade, "An iterative image registration technique", 1981.
Drift drift_of(const Captures& captures);

}  // namespace noiseutils

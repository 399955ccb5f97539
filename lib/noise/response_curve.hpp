#pragma once

#include <cstddef>
#include <vector>

#include "noise/noise.hpp"

namespace noiseutils {

/// A camera's response f from light L to pixel values, both 0 to 1 and strictly increasing: L^(1/gamma), or a table of
/// f at L = i / (n - 1), linear between and scaled to begin at 0 and end at 1.
class ResponseCurve {
 public:
  explicit ResponseCurve(double gamma) : gamma_(gamma) {}
  /// Throws DataError unless the table is one row of at least two values, and increases.
  explicit ResponseCurve(const NoiseMap& table);

  double value(double light) const;        ///< f(L), 0 <= L <= 1
  double light(double value) const;        ///< the L with f(L) = value, 0 <= value <= 1
  double light_slope(double value) const;  ///< dL / df

 private:
  std::size_t segment_of(double value) const;
  double gamma_ = 1;
  std::vector<double> table_;
};

}  // namespace noiseutils

#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace noiseutils {

/// Least-squares slope of log |error| on log(1 / steps): the order of convergence.
template <class Count>
double fitted_slope(const std::vector<Count>& steps, const std::vector<double>& errors) {
  const auto n = static_cast<double>(steps.size());
  double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    mean_x -= std::log(static_cast<double>(steps[i])) / n;
    mean_y += std::log(std::abs(errors[i])) / n;
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double x = -std::log(static_cast<double>(steps[i])) - mean_x;
    xy += x * (std::log(std::abs(errors[i])) - mean_y);
    xx += x * x;
  }
  return xy / xx;
}

}  // namespace noiseutils

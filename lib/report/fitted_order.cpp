#include "report/fitted_order.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace noiseutils {

double fitted_order(std::span<const std::int64_t> steps, std::span<const double> errors, double floor) {
  std::vector<std::pair<double, double>> points;  // log steps, log error
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (std::isfinite(errors[i]) && errors[i] > floor)
      points.emplace_back(std::log(static_cast<double>(steps[i])), std::log(errors[i]));
  std::sort(points.begin(), points.end(), std::greater<>());
  points.resize(std::min<std::size_t>(points.size(), 3));
  double x = 0, y = 0;
  for (const auto& point : points) {
    x += point.first / static_cast<double>(points.size());
    y += point.second / static_cast<double>(points.size());
  }
  double covariance = 0, variance = 0;
  for (const auto& point : points) {
    covariance += (point.first - x) * (point.second - y);
    variance += (point.first - x) * (point.first - x);
  }
  return variance > 0 && covariance != 0 ? -covariance / variance : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace noiseutils

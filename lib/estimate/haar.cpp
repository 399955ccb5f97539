#include "estimate/haar.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace noiseutils {

std::vector<HaarGroup> haar_groups(const std::vector<Plane>& planes) {
  std::vector<HaarGroup> groups;
  for (const Plane& plane : planes) {
    const std::int64_t rows = plane.height / 2, cols = plane.width / 2;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t col = 0; col < cols; ++col) {
        const double* y = plane.values().data() + 2 * r * plane.width + 2 * col;
        const double a = y[0], b = y[1], c = y[plane.width], d = y[plane.width + 1];
        if (a == b && a == c && a == d) continue;
        if (plane.is_clipped(a) || plane.is_clipped(b) || plane.is_clipped(c) || plane.is_clipped(d)) continue;
        groups.push_back({(a + b + c + d) / 4, (a - b - c + d) / 2, Plane::tile(r, rows, col, cols)});
      }
  }
  if (groups.empty())
    throw DataError("all 2x2 groups are constant or hold clipped values: nothing to measure noise by");
  return groups;
}

double median_of(std::vector<double>& values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace noiseutils

#include "model/posterior.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {
namespace {

// Elements that differ by no more than rounding count as equal: of those the first decides.
constexpr double kAlmost = 1 - 1e-9;

}  // namespace

std::optional<PrincipalAxes> Posterior::common_axes(std::int64_t) const { return std::nullopt; }

void orient_axes(std::int64_t dim, std::span<double> vectors) {
  for (std::size_t first = 0; first < vectors.size(); first += static_cast<std::size_t>(dim)) {
    const auto v = vectors.subspan(first, static_cast<std::size_t>(dim));
    double largest = 0;
    for (const double value : v) largest = std::max(largest, std::abs(value));
    const auto leading = std::find_if(v.begin(), v.end(), [&](double x) { return std::abs(x) >= kAlmost * largest; });
    if (leading != v.end() && *leading < 0)
      for (double& value : v) value = -value;
  }
}

}  // namespace noiseutils

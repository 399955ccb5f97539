#include "model/posterior.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

// Elements that differ by no more than rounding count as equal: of those the first decides.
constexpr double kAlmost = 1 - 1e-9;

}  // namespace

std::optional<PrincipalAxes> Posterior::common_axes(std::int64_t) const { return std::nullopt; }

void require_noise(double sigma) {
  if (!(sigma > 0) || !std::isfinite(sigma))
    throw UsageError("at sigma " + format_number(sigma) + " the noisy sample is the clean one: it has no law to tell");
}

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

#include "linalg/leading_direction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace noiseutils {
namespace {

/// T and U of the law at the variance alpha whose eigenvalue in the sample (of a known law: itself) is l. With
/// w = 1 / N and R = sum l l_j / (l - l_j)^2:  T is that of the sample, U = (R - T - w T^2) / (1 + w (T + R)), which
/// follows from alpha = l / (1 + w T) and d alpha / d l.
struct Forces {
  double alpha = 0, t = 0, u = 0;
};
Forces forces_at(const EquivalentSpectrum& spectrum, double l) {
  const double w = spectrum.inverse_degrees();
  double t = 0, u = 0;  // of the sample
  for (std::size_t j = 1; j < spectrum.values().size(); ++j) {
    const double value = spectrum.values()[j], ratio = value / (l - value);
    t += spectrum.multiplicity()[j] * ratio;
    u += spectrum.multiplicity()[j] * ratio * ratio;
  }
  return {l / (1 + w * t), t, std::max(0.0, (u - w * t * t) / (1 + w * (2 * t + u)))};
}

}  // namespace

LeadingDirection leading_direction(const EquivalentSpectrum& spectrum, double degrees) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const auto& values = spectrum.values();
  if (values.size() < 2 || spectrum.multiplicity()[0] != 1 || !(values[0] > values[1]))
    return {values.empty() ? 0 : values[0], false, kNaN, kNaN};
  const Forces at_top = forces_at(spectrum, values[0]);
  LeadingDirection leading;
  leading.variance = at_top.alpha;
  leading.visible = at_top.u < degrees;
  if (leading.visible) {
    leading.eigenvalue = at_top.alpha * (1 + at_top.t / degrees);
    leading.overlap = (1 - at_top.u / degrees) / (1 + at_top.t / degrees);
    return leading;
  }
  // The edge: where U = n, further out. U falls in l.
  double low = std::log(values[0] - values[1]), high = low + 1;
  while (forces_at(spectrum, values[1] + std::exp(high)).u > degrees) high += 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (forces_at(spectrum, values[1] + std::exp(middle)).u > degrees ? low : high) = middle;
  }
  const Forces edge = forces_at(spectrum, values[1] + std::exp(high));
  leading.eigenvalue = edge.alpha * (1 + edge.t / degrees);
  return leading;
}

}  // namespace noiseutils

#include "noise/inverse_gaussian.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {

void draw_inverse_gaussian(const NoiseKey& key, std::uint64_t first, double phi, std::span<const double> x,
                           std::span<double> y) {
  std::array<double, 512> uniform;
  const std::span<double> u(uniform.data(), x.size());
  fill_normal(key.stream(Purpose::noise), first, y);
  fill_uniform(key.stream(Purpose::noise_aux), first, u);
  for (std::size_t i = 0; i < x.size(); ++i) {
    // Both roots of the quadratic in y have the same chi-square; their product is x^2.
    const double w = 0.5 * phi * x[i] * y[i] * y[i];
    const double smaller = x[i] / (1 + w + std::sqrt(w * (2 + w)));
    y[i] = u[i] * (x[i] + smaller) <= x[i] ? smaller : x[i] * (x[i] / smaller);
  }
}

double inverse_gaussian_log_density(double y, double x, double phi) {
  if (x == 0) return y == 0 ? 0 : -std::numeric_limits<double>::infinity();
  if (y <= 0) return -std::numeric_limits<double>::infinity();
  const double z = (y - x) / x;
  return -0.5 * (portable::log(2 * std::numbers::pi * phi) + 3 * portable::log(y)) - z * z / (2 * phi * y);
}

}  // namespace noiseutils

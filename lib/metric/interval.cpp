#include "metric/interval.hpp"

#include <cmath>
#include <numbers>

namespace noiseutils {

double normal_half_width(double confidence) {
  // Newton's method on the convex erfc(z / sqrt 2) - (1 - confidence): from z = 0 it rises to the root and never
  // passes it.
  double z = 0;
  for (int i = 0; i < 200; ++i) {
    const double excess = std::erfc(z / std::numbers::sqrt2) - (1 - confidence);
    const double slope = std::sqrt(2 / std::numbers::pi) * std::exp(-0.5 * z * z);
    const double step = excess / slope;
    z += step;
    if (std::abs(step) <= 1e-15 * z) break;
  }
  return z;
}

OptionSpec confidence_option() {
  return number("confidence", "P", "probability that the interval aims to cover")
      .otherwise("0.95")
      .above(0)
      .at_most(0.999999);
}

}  // namespace noiseutils

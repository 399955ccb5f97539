#include "linalg/gauss_legendre.hpp"

#include <cmath>
#include <numbers>

namespace noiseutils {

QuadratureRule gauss_legendre(std::size_t count) {
  const auto n = static_cast<double>(count);
  QuadratureRule rule{std::vector<double>(count), std::vector<double>(count)};
  for (std::size_t k = 0; k < count; ++k) {
    double x = -std::cos(std::numbers::pi * (static_cast<double>(k) + 0.75) / (n + 0.5)), slope = 0;
    for (int step = 0; step < 20; ++step) {
      double p = 1, before = 0;  // P_j, P_(j-1)
      for (std::size_t j = 0; j < count; ++j) {
        const auto m = static_cast<double>(j);
        const double next = ((2 * m + 1) * x * p - m * before) / (m + 1);
        before = p;
        p = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      const double change = p / slope;
      x -= change;
      if (std::abs(change) < 1e-15) break;
    }
    rule.nodes[k] = x;
    rule.weights[k] = 2 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

}  // namespace noiseutils

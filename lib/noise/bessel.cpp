#include "noise/bessel.hpp"

#include <cmath>
#include <numbers>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// From here on the smallest term of the asymptotic expansion, about e^-2z, is below rounding.
constexpr double kAsymptotic = 30;

double scaled_bessel(double z, double order) {
  double sum = 1, term = 1;
  if (z < kAsymptotic) {
    const double square = 0.25 * z * z;
    for (double k = 1; term > 1e-17 * sum; k += 1) sum += term *= square / (k * (k + order));
    return sum * portable::exp(-z) * (order == 1 ? 0.5 * z : 1);
  }
  for (double k = 1; std::abs(term) > 1e-17; k += 1)
    sum += term *= -(4 * order * order - (2 * k - 1) * (2 * k - 1)) / (8 * k * z);
  return sum / std::sqrt(2 * std::numbers::pi * z);
}

}  // namespace

double scaled_bessel_i0(double z) { return scaled_bessel(z, 0); }
double scaled_bessel_i1(double z) { return scaled_bessel(z, 1); }

}  // namespace noiseutils

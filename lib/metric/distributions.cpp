#include "metric/distributions.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {
namespace {

/// log(x^a e^-x / Gamma(a))
double log_kernel(double a, double x) { return a * std::log(x) - x - std::lgamma(a); }

}  // namespace

double chi_square_tail(double x, double degrees) {
  if (std::isnan(x)) return x;
  if (x <= 0) return 1;
  const double a = degrees / 2, t = x / 2;
  if (t < a + 1) {  // 1 - P(a, t), P by its power series
    double term = 1 / a, sum = term;
    for (int n = 1; n < 100000 && term > sum * 1e-17; ++n) sum += term *= t / (a + n);
    return 1 - sum * std::exp(log_kernel(a, t));
  }
  // Q(a, t) by its continued fraction, Lentz's method.
  double b = t + 1 - a, c = 1e300, d = 1 / b, fraction = d;
  for (int n = 1; n < 100000; ++n) {
    const double factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    const double step = c * d;
    fraction *= step;
    if (std::abs(step - 1) < 1e-16) break;
  }
  return fraction * std::exp(log_kernel(a, t));
}

double kolmogorov_tail(double x) {
  if (std::isnan(x)) return x;
  if (x < 0.2) return 1;  // to 1e-12
  double sum = 0, sign = 2;
  for (int k = 1; k < 100; ++k, sign = -sign) {
    const double term = std::exp(-2 * k * k * x * x);
    sum += sign * term;
    if (term < 1e-18) break;
  }
  return std::min(1.0, sum);
}

}  // namespace noiseutils

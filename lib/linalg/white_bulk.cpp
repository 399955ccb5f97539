#include "linalg/white_bulk.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// 2F1(1/2, -1/2; 2; x), 0 <= x <= 1.
double hypergeometric(double x) {
  if (x < 0.1) {  // the series: the closed form cancels to order x
    double term = 1, sum = 1;
    for (int k = 0; k < 20; ++k) {
      term *= (k + 0.5) * (k - 0.5) / ((k + 2.0) * (k + 1.0)) * x;
      sum += term;
    }
    return sum;
  }
  // Euler's integral, 4/pi int_0^(pi/2) cos^2 sqrt(1 - x sin^2), is 4 / (3 pi x) [(1 + x) E - (1 - x) K].
  const double k = std::sqrt(x), second = std::comp_ellint_2(k);
  const double first = x < 1 ? (1 - x) * std::comp_ellint_1(k) : 0;
  return 4 / (3 * std::numbers::pi * x) * ((1 + x) * second - first);
}

/// The digamma function of x > 0: recurrence to x >= 10, then its asymptotic series.
double digamma(double x) {
  double value = 0;
  for (; x < 10; x += 1) value -= 1 / x;
  const double r = 1 / (x * x);
  return value + std::log(x) - 1 / (2 * x) -
         r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * 691.0 / 32760)))));
}

}  // namespace

double white_root_moment(double gamma) {
  return gamma >= 1 ? hypergeometric(1 / gamma) : std::sqrt(gamma) * hypergeometric(gamma);
}

double white_similarity(double gamma) {
  const double m = white_root_moment(gamma);
  return m * m;
}

WishartDivergences wishart_divergences(std::int64_t dim, std::int64_t count) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (count < dim) return {kInfinite, kInfinite};
  const auto d = static_cast<double>(dim), n = static_cast<double>(count);
  double log_determinant = d * std::log(2 / n);
  for (std::int64_t i = 0; i < dim; ++i) log_determinant += digamma((n - static_cast<double>(i)) / 2);
  return {-log_determinant / 2, n > d + 1 ? (n * d / (n - d - 1) - d + log_determinant) / 2 : kInfinite};
}

double largest_cosine(double count, double degrees) {
  // E max = int_0^inf 1 - erf(x / sqrt 2)^n: smooth, and next to 0 at 9 for any n that fits in memory; Simpson's rule.
  constexpr int kPanels = 2000;
  const auto above = [count](double x) { return -std::expm1(count * std::log(std::erf(x / std::numbers::sqrt2))); };
  const double end = 10 + std::sqrt(std::log(count)), step = end / kPanels;
  double sum = 0;
  for (int i = 0; i < kPanels; ++i) {
    const double x = i * step;
    sum += step / 6 * ((i == 0 ? 1 : above(x)) + 4 * above(x + step / 2) + above(x + step));
  }
  const double length =
      std::numbers::sqrt2 * std::exp(portable::lgamma((degrees + 1) / 2) - portable::lgamma(degrees / 2));
  return sum / length;
}

}  // namespace noiseutils

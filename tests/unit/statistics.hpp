#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

// Goodness of fit for tests: every function returns a p-value, uniform on (0, 1) where the law is right.
namespace noiseutils::test {

/// log Gamma of libm, in long double: independent of the code under test.
inline double log_gamma(double a) { return static_cast<double>(lgammal(static_cast<long double>(a))); }

/// The regularised incomplete gamma function P(a, x): series below a + 1, continued fraction (Lentz) above.
inline double gamma_cdf(double a, double x) {
  if (x <= 0) return 0;
  const double scale = std::exp(a * std::log(x) - x - log_gamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > 1e-17 * sum; n += 1) sum += term *= x / n;
    return scale * sum;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-15) break;
  }
  return 1 - scale * h;
}

/// Chi-square with `freedom` degrees.
inline double chi_square_p(double statistic, double freedom) { return 1 - gamma_cdf(freedom / 2, statistic / 2); }

/// Two-sided p of a standard normal statistic.
inline double normal_p(double z) { return std::erfc(std::fabs(z) / std::sqrt(2.0)); }

/// Kolmogorov-Smirnov: `u` are the values of the distribution function at the sample. Those below `atom` are not
/// compared with one another: they stand for a lump of probability.
inline double kolmogorov_smirnov_p(std::vector<double> u, double atom = 0) {
  std::sort(u.begin(), u.end());
  const double n = static_cast<double>(u.size());
  double largest = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    if (u[i] < atom) continue;
    const double rank = static_cast<double>(i);
    largest = std::max({largest, u[i] - rank / n, (rank + 1) / n - u[i]});
  }
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * largest;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * lambda * lambda);
  return lambda < 0.2 ? 1 : std::clamp(p, 0.0, 1.0);
}

/// Mean of f(x) against its expectation, given the variance of f.
template <class Real, class Function>
double mean_p(std::span<const Real> x, Function f, double expected, double variance) {
  double sum = 0;
  for (const Real value : x) sum += f(static_cast<double>(value)) - expected;
  return normal_p(sum / std::sqrt(static_cast<double>(x.size()) * variance));
}

/// Correlation 0 of f(a_i) and f(b_i), for f of mean 0 and variance 1.
template <class Real, class Function>
double independence_p(std::span<const Real> a, std::span<const Real> b, Function f) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += f(static_cast<double>(a[i])) * f(static_cast<double>(b[i]));
  return normal_p(sum / std::sqrt(static_cast<double>(a.size())));
}

}  // namespace noiseutils::test

#include <doctest/doctest.h>

#include <cmath>

#include "denoise/exponential_family.hpp"

namespace noiseutils {
namespace {

using doctest::Approx;

/// psi and psi' by recurrence up to 20 and Stirling's series.
double digamma(double x) {
  double shift = 0;
  for (; x < 20; x += 1) shift -= 1 / x;
  const double r = 1 / (x * x);
  return shift + std::log(x) - 1 / (2 * x) - r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r / 240)));
}
double trigamma(double x) {
  double shift = 0;
  for (; x < 20; x += 1) shift += 1 / (x * x);
  const double r = 1 / (x * x);
  return shift + 1 / x + r / 2 + r / x * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r / 30)));
}

// y = x Gamma(k) / k, x inverse gamma (a, b): the posterior is inverse gamma (a + k, b + k y), and
// log p(y) = (k - 1) log y - (a + k) log(b + k y) + constant.
TEST_CASE("exponential families: gamma noise and its conjugate prior") {
  const double k = 50, a = 3, b = 2, y = 1.3;
  const ExponentialFamily family{2, 1 / k};
  const Marginal marginal{(k - 1) / y - k * (a + k) / (b + k * y),
                          -(k - 1) / (y * y) + k * k * (a + k) / ((b + k * y) * (b + k * y))};
  CHECK(tweedie_estimate(family, y, marginal) == Approx((b + k * y) / (a + k)).epsilon(1e-12));  // the harmonic mean
  CHECK(std::abs(tweedie_estimate(family, y, marginal) - 1.2641509434) < 1e-9);
  CHECK(std::abs(corrected_estimate(family, y, marginal) - 1.2880028480) < 1e-9);
  for (const double looks : {0.7, 4.0, 50.0, 3000.0})
    for (const double noisy : {0.02, 1.3, 40.0}) {
      CAPTURE(looks);
      CAPTURE(noisy);
      const auto log_p = [&](double t) { return (looks - 1) * std::log(t) - (a + looks) * std::log(b + looks * t); };
      const double mean = gamma_mean_estimate(looks, noisy, [&](double t) { return log_p(t) - log_p(noisy); });
      CHECK(mean == Approx((b + looks * noisy) / (a + looks - 1)).epsilon(1e-9));
    }
}

// x / zeta ~ Gamma(al, rate be): p(n) is negative binomial, log p(n) continued to real n.
TEST_CASE("exponential families: Poisson noise and its conjugate prior") {
  const double zeta = 0.05, al = 4, be = 0.5;
  const ExponentialFamily family{1, zeta};
  const auto marginal = [&](double n) {
    return Marginal{(digamma(n + al) - digamma(n + 1) - std::log(1 + be)) / zeta,
                    (trigamma(n + al) - trigamma(n + 1)) / (zeta * zeta)};
  };
  const auto log_p = [&](double n) { return std::lgamma(n + al) - std::lgamma(n + 1) - n * std::log(1 + be); };
  for (const double n : {0.0, 1.0, 10.0, 200.0})
    CHECK(robbins_estimate(zeta, zeta * n, log_p(n + 1) - log_p(n)) ==
          Approx(zeta * (n + al) / (1 + be)).epsilon(1e-9));
  CHECK(std::abs(tweedie_estimate(family, 10 * zeta, marginal(10)) - 0.4499329878) < 1e-9);
  CHECK(std::abs(corrected_estimate(family, 10 * zeta, marginal(10)) - 0.4666057109) < 1e-9);
  CHECK(std::abs(tweedie_estimate(family, 0, marginal(0)) - 0.1042450) < 1e-7);
}

// The saddle point is exact for rho = 3: p(y) = integral of the inverse Gaussian density over a lognormal prior.
TEST_CASE("exponential families: inverse Gaussian noise, the power mean of order -2") {
  const double lambda = 20, y = 1.2, spread = 0.4;
  const auto integral = [&](double noisy, double power) {
    double sum = 0;
    for (double u = -4; u <= 4; u += 1e-3) {
      const double x = std::exp(u), z = (noisy - x) / x;
      sum += std::exp(-u * u / (2 * spread * spread) - 1.5 * std::log(noisy) - lambda * z * z / (2 * noisy)) *
             std::pow(x, power);
    }
    return sum;
  };
  const double h = 1e-4;
  const double up = std::log(integral(y + h, 0)), at = std::log(integral(y, 0)), down = std::log(integral(y - h, 0));
  const Marginal marginal{(up - down) / (2 * h), (up - 2 * at + down) / (h * h)};
  const ExponentialFamily family{3, 1 / lambda};
  const double power_mean = std::pow(integral(y, -2) / integral(y, 0), -0.5);
  const double mean = integral(y, 1) / integral(y, 0);
  CHECK(tweedie_estimate(family, y, marginal) == Approx(power_mean).epsilon(1e-7));
  CHECK(std::abs(tweedie_estimate(family, y, marginal) - 1.1485722971) < 1e-7);
  const double corrected = corrected_estimate(family, y, marginal);
  CHECK(std::abs(corrected - mean) < 0.1 * std::abs(power_mean - mean));
  CHECK(corrected == Approx(1.2160).epsilon(1e-4));
}

TEST_CASE("exponential families: Gaussian noise is Tweedie's formula, for all") {
  const ExponentialFamily family{0, 0.25};
  const Marginal marginal{-1.2, -0.8};  // y = 2: 0.5 + 1.5 / 1.25
  CHECK(tweedie_estimate(family, 2, marginal) == Approx(1.7));
  CHECK(corrected_estimate(family, 2, marginal) == tweedie_estimate(family, 2, marginal));
}

TEST_CASE("exponential families: guards keep estimates finite and of one sign") {
  for (const double power : {1.0, 1.3, 1.9, 2.0, 3.0})
    for (const double y : {0.0, 1e-9, 0.3, 5.0})
      for (const double score : {-300.0, 0.0, 300.0}) {
        const double value = corrected_estimate({power, 0.2}, y, {score, -1});
        CHECK(std::isfinite(value));
        CHECK(value >= 0);
      }
  CHECK(gamma_mean_estimate(3, 0, [](double) { return 0.0; }) == 0);
}

}  // namespace
}  // namespace noiseutils

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "random/rejection.hpp"
#include "random_helpers.hpp"
#include "statistics.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

namespace {

constexpr double kSmallestP = 1e-5;
const StreamKey kKey{1, Purpose::noise, 0, 0};

/// Chi-square of counts against the exact probabilities; cells with fewer than 10 expected are pooled at either end.
double poisson_chi_square_p(double mean, const std::vector<double>& counts) {
  const double n = static_cast<double>(counts.size());
  const auto probability = [mean](double k) { return std::exp(k * std::log(mean) - mean - log_gamma(k + 1)); };
  std::vector<double> seen(static_cast<std::size_t>(mean + 20 * std::sqrt(mean) + 40), 0);
  for (const double k : counts) {
    if (!(k >= 0 && k < static_cast<double>(seen.size()) && k == std::floor(k))) return 0;
    seen[static_cast<std::size_t>(k)] += 1;
  }
  double statistic = 0, cells = 0, expected = 0, observed = 0, pooled = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    expected += n * probability(static_cast<double>(k));
    observed += seen[k];
    const double rest = n - pooled - expected;
    if (expected < 10 || rest < 10) continue;
    statistic += (observed - expected) * (observed - expected) / expected;
    pooled += expected;
    cells += 1;
    expected = observed = 0;
  }
  expected = n - pooled;
  if (cells == 0) return 1;
  statistic += (observed - expected) * (observed - expected) / expected;
  return chi_square_p(statistic, cells);
}

/// Digamma and trigamma by recurrence and asymptotic series.
double digamma(double x) {
  double shift = 0;
  for (; x < 20; x += 1) shift -= 1 / x;
  const double w = 1 / (x * x);
  return shift + std::log(x) - 0.5 / x - w * (1.0 / 12 - w * (1.0 / 120 - w / 252));
}
double trigamma(double x) {
  double shift = 0;
  for (; x < 20; x += 1) shift += 1 / (x * x);
  const double w = 1 / (x * x);
  return shift + 1 / x + w / 2 + w / x * (1.0 / 6 - w * (1.0 / 30 - w / 42));
}

void check_poisson(const std::vector<double>& means, std::size_t n) {
  for (const double mean : means) {
    const auto counts = poissons(kKey, 0, std::vector<double>(n, mean));
    CHECK_MESSAGE(poisson_chi_square_p(mean, counts) > kSmallestP, "mean ", mean);
  }
}

void check_gamma(const std::vector<double>& shapes, std::size_t n) {
  for (const double shape : shapes) {
    auto x = gammas(kKey, 0, std::vector<double>(n, shape));
    const double atom = gamma_cdf(shape, 1e-300);
    for (double& value : x) value = gamma_cdf(shape, value);
    CHECK_MESSAGE(kolmogorov_smirnov_p(x, atom) > kSmallestP, "shape ", shape);
  }
}

const std::vector<double> kSmallMeans = {1e-3, 0.1, 0.5, 1, 2.5, 5, 9, 9.999, 10, 10.5, 12, 17.3, 30, 100, 1000};
const std::vector<double> kShapes = {1e-3, 0.01, 0.1, 0.5, 0.999, 1, 1.001, 1.5, 3, 10, 50};

}  // namespace

TEST_CASE("poisson: chi-square against the exact probabilities, on both sides of the change of method") {
  check_poisson(kSmallMeans, 200000);
}

TEST_CASE("poisson: the same with 40 times the numbers" * doctest::test_suite("long")) {
  check_poisson(kSmallMeans, 8000000);
}

TEST_CASE("poisson: the hat of PTRS lies above the probabilities everywhere, for means from 10 to 1e9") {
  double lowest = 1e9;
  std::vector<double> means = {100, 1e3, 1e5, 1e7, 1e9};
  for (double mean = 10; mean < 60; mean += 0.31) means.push_back(mean);
  means.push_back(14.04);  // where the hat is lowest
  for (const double mean : means)
    for (std::uint64_t i = 0; i < 10000; ++i) {
      const auto u = static_cast<std::uint32_t>(i * 429496 + 214748);
      const PoissonTrial trial = poisson_trial(mean, 0, u, ~0u, ~0u);  // v = 1: a point of the hat itself
      if (!(trial.count >= 0)) continue;
      // log p by Stirling's series far from 0, where lgamma would cancel.
      const double k = trial.count, x = (k - mean) / mean;
      const double log_p =
          k < 1e4 ? k * std::log(mean) - mean - log_gamma(k + 1)
                  : mean * (x - (1 + x) * std::log1p(x)) - 0.5 * std::log(2 * std::acos(-1.0) * k) - 1 / (12 * k);
      lowest = std::min(lowest, std::log(trial.height) - log_p);
    }
  CHECK(lowest > 0);
}

TEST_CASE("poisson: Stirling's remainder of log k! is exact to 1e-15 from k = 1 on") {
  long double largest = 0;
  for (int k = 1; k <= 1000; ++k) {
    const long double x = k;
    const long double truth = lgammal(x + 1) - (x + 0.5L) * std::log(x) + x - 0.5L * std::log(2 * std::acos(-1.0L));
    largest = std::max(largest, std::fabs(stirling_remainder_of_factorial(k) - truth));
  }
  CHECK(largest < 1e-15L);
}

TEST_CASE("gamma: the squeeze accepts nothing that the exact test rejects") {
  int wrong = 0, decided = 0, accepted = 0;
  for (const double shape : {1e-3, 0.5, 1.0, 1.3, 4.0, 1e3, 1e6})
    for (std::uint32_t i = 0; i < 300000; ++i) {
      const auto w = philox4x32({i, 0, 0, 0}, {7, 7});
      const GammaTrial trial = gamma_trial(shape, w[0], w[1], w[2], w[3]);
      const bool squeezed = gamma_squeeze(trial) == kAccepted, exact = gamma_verdict(trial) == kAccepted;
      wrong += squeezed && !exact;
      decided += squeezed;
      accepted += exact;
    }
  CHECK(wrong == 0);
  CHECK(decided > 0.9 * accepted);
}

TEST_CASE("poisson: large means up to 1e9 are integers with the moments and the limit law") {
  constexpr std::size_t n = 200000;
  for (const double mean : {1e4, 1e6, 1e8, 1e9}) {
    const auto counts = poissons(kKey, 0, std::vector<double>(n, mean));
    std::vector<double> z(n), u(n);
    double fractions = 0;
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = (counts[i] - mean) / std::sqrt(mean);
      // Continuity and the first Edgeworth term: the error is then of order 1 / mean.
      const double x = z[i], skew = 1 / std::sqrt(mean);
      u[i] = 0.5 * std::erfc(-x / std::sqrt(2.0)) -
             skew * (x * x - 1) / 6 * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
      fractions += counts[i] != std::floor(counts[i]);
    }
    CHECK(fractions == 0);
    CHECK_MESSAGE(kolmogorov_smirnov_p(u) > (mean < 1e5 ? 1e-7 : kSmallestP), mean);  // steps of 1/100 sigma at 1e4
    const std::span<const double> all(z);
    CHECK(mean_p(
              all, [](double v) { return v; }, 0, 1) > kSmallestP);
    CHECK(mean_p(
              all, [](double v) { return v * v; }, 1, 2 + 1 / mean) > kSmallestP);
    CHECK(mean_p(
              all, [](double v) { return v * v * v; }, 1 / std::sqrt(mean), 15) > kSmallestP);
    CHECK(mean_p(
              all, [](double v) { return v * v * v * v; }, 3 + 1 / mean, 96) > kSmallestP);
  }
}

TEST_CASE("poisson: mean 0 gives 0, tiny means almost always") {
  double sum = 0;
  for (const double mean : {0.0, 1e-300, 1e-20})
    for (const double k : poissons(kKey, 0, std::vector<double>(10000, mean))) sum += k;
  CHECK(sum == 0);
}

TEST_CASE("gamma: Kolmogorov-Smirnov against the incomplete gamma function") { check_gamma(kShapes, 100000); }

TEST_CASE("gamma: the same with 15 times the numbers" * doctest::test_suite("long")) { check_gamma(kShapes, 1500000); }

TEST_CASE("gamma: moments and log-moments for shapes from 0.05 to 1e6") {
  constexpr std::size_t n = 200000;
  for (const double shape : {0.05, 0.3, 1.0, 2.0, 7.5, 100.0, 1e4, 1e6}) {
    const auto x = gammas(kKey, 0, std::vector<double>(n, shape));
    const std::span<const double> all(x);
    const double mean = shape, variance = shape, fourth = 3 * shape * shape + 6 * shape;
    CHECK_MESSAGE(mean_p(
                      all, [](double v) { return v; }, mean, variance) > kSmallestP,
                  "shape ", shape);
    CHECK_MESSAGE(mean_p(
                      all, [mean](double v) { return (v - mean) * (v - mean); }, variance,
                      fourth - variance * variance) > (shape < 1 ? 1e-7 : kSmallestP),  // heavy tails of squares
                  "shape ", shape);
    CHECK_MESSAGE(mean_p(
                      all, [](double v) { return std::log(v); }, digamma(shape), trigamma(shape)) > kSmallestP,
                  "shape ", shape);
  }
}

TEST_CASE("gamma: tiny shapes underflow to 0, never to NaN, with the right probability") {
  constexpr std::size_t n = 100000;
  const auto x = gammas(kKey, 0, std::vector<double>(n, 1e-3));
  double zeros = 0, bad = 0;
  for (const double v : x) {
    zeros += v == 0;
    bad += !(v >= 0) || std::isinf(v);
  }
  CHECK(bad == 0);
  const double p = gamma_cdf(1e-3, std::exp(-708.0));
  CHECK(normal_p((zeros - static_cast<double>(n) * p) / std::sqrt(static_cast<double>(n) * p * (1 - p))) > kSmallestP);
}

TEST_CASE("instruction sets: chosen by name, refused by name") {
  CHECK(std::string(choose_kernels("baseline").isa) == "baseline");
  CHECK(choose_kernels(nullptr).isa == choose_kernels("").isa);
  CHECK(find_kernels("sse9") == nullptr);
  CHECK_THROWS_WITH_AS(choose_kernels("sse9"), doctest::Contains("NOISEUTILS_ISA=sse9 is not an instruction set"),
                       UsageError);
}

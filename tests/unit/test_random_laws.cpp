#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "random_helpers.hpp"
#include "statistics.hpp"

// Seeds are fixed in advance and none was chosen. With p > 1e-5 asked of some hundreds of statistics, a right generator
// fails once in some hundreds of layouts.
using namespace noiseutils;
using namespace noiseutils::test;

namespace {

constexpr double kSmallestP = 1e-5;
constexpr std::size_t kCount = 1000000;
const StreamKey kKey{1, Purpose::noise, 0, 0};

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// The smallest p over lags 1 ... 200 of the correlation of f(x_i) and f(x_(i + lag)), times their number (Bonferroni).
template <class Real, class Function>
double lags_p(const std::vector<Real>& x, Function f) {
  constexpr std::size_t kLags = 200;
  double smallest = 1;
  const std::span<const Real> all(x);
  for (std::size_t lag = 1; lag <= kLags; ++lag)
    smallest = std::min(smallest, independence_p(all.subspan(lag), all.first(x.size() - lag), f));
  return smallest * kLags;
}

double identity(double x) { return x; }
double centred_square(double x) { return (x * x - 1) / std::sqrt(2.0); }
double centred_uniform(double u) { return (u - 0.5) * std::sqrt(12.0); }

template <class Real>
void check_uniform() {
  const auto u = uniforms<Real>(kKey, 0, kCount);
  CHECK(kolmogorov_smirnov_p({u.begin(), u.end()}) > kSmallestP);
  const auto [low, high] = std::minmax_element(u.begin(), u.end());
  CHECK(*low > 0);
  CHECK(*high < 1);
  const std::span<const Real> all(u);
  for (int k = 1; k <= 6; ++k) {
    const double expected = 1.0 / (k + 1), variance = 1.0 / (2 * k + 1) - expected * expected;
    CHECK(mean_p(
              all, [k](double x) { return std::pow(x, k); }, expected, variance) > kSmallestP);
  }
  CHECK(lags_p(std::vector<Real>(u.begin(), u.begin() + 200000), centred_uniform) > kSmallestP);
}

template <class Real>
void check_normal() {
  const auto x = normals<Real>(kKey, 0, kCount);
  std::vector<double> u(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) u[i] = normal_cdf(static_cast<double>(x[i]));
  CHECK(kolmogorov_smirnov_p(u) > kSmallestP);
  const std::span<const Real> all(x);
  // Moments 1 to 8: E x^k and E x^2k - (E x^k)^2.
  const double double_factorials[] = {1, 1, 3, 15, 105, 945, 10395, 135135, 2027025};  // E x^2k
  for (int k = 1; k <= 8; ++k) {
    const double expected = k % 2 == 0 ? double_factorials[k / 2] : 0;
    CHECK(mean_p(
              all, [k](double v) { return std::pow(v, k); }, expected, double_factorials[k] - expected * expected) >
          kSmallestP);
  }
  CHECK(mean_p(
            all, [](double v) { return v > 0 ? 1.0 : -1.0; }, 0, 1) > kSmallestP);
  for (const double edge : {2.0, 3.0, 4.0}) {
    const double p = normal_cdf(-edge);
    CHECK(mean_p(
              all, [edge](double v) { return v > edge ? 1.0 : 0.0; }, p, p * (1 - p)) > kSmallestP);
    CHECK(mean_p(
              all, [edge](double v) { return v < -edge ? 1.0 : 0.0; }, p, p * (1 - p)) > kSmallestP);
  }
  const std::vector<Real> part(x.begin(), x.begin() + 200000);
  CHECK(lags_p(part, identity) > kSmallestP);
  CHECK(lags_p(part, centred_square) > kSmallestP);
  // Small values are as dense as the law says: a coarse radius or angle would leave gaps or lumps around 0.
  std::vector<double> small;
  for (const Real v : x)
    if (std::fabs(static_cast<double>(v)) < 0.001) small.push_back((static_cast<double>(v) + 0.001) / 0.002);
  CHECK(kolmogorov_smirnov_p(small) > kSmallestP);
}

}  // namespace

TEST_CASE("uniform float: law, open interval, independence of neighbours") { check_uniform<float>(); }
TEST_CASE("uniform double: law, open interval, independence of neighbours") { check_uniform<double>(); }
TEST_CASE("normal float: law, moments, symmetry, tails, independence of neighbours") { check_normal<float>(); }
TEST_CASE("normal double: law, moments, symmetry, tails, independence of neighbours") { check_normal<double>(); }

TEST_CASE("normal: the angle of a pair is uniform and its radius exponential") {
  const auto x = normals<float>(kKey, 64, 640000);
  std::vector<double> angle, radius;
  for (std::size_t tile = 0; tile < x.size(); tile += 64)
    for (std::size_t i = 0; i < 32; ++i) {
      const std::size_t first = tile + (i / 16) * 32 + i % 16;
      const double a = x[first], b = x[first + 16];
      angle.push_back(std::atan2(b, a) / (2 * std::acos(-1.0)) + 0.5);
      radius.push_back(std::exp(-(a * a + b * b) / 2));
    }
  CHECK(kolmogorov_smirnov_p(angle) > kSmallestP);
  CHECK(kolmogorov_smirnov_p(radius) > kSmallestP);
}

TEST_CASE("normal: far tails have the right weight" * doctest::test_suite("long")) {
  constexpr std::size_t kBlock = 1 << 20, kBlocks = 1 << 10;  // 2^30 numbers
  double beyond5 = 0, beyond55 = 0, largest = 0, not_usable = 0;
  std::vector<float> x(kBlock);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    fill_normal(kKey, block * kBlock, std::span<float>(x));
    for (const float v : x) {
      const float size = std::fabs(v);
      beyond5 += size > 5 ? 1 : 0;
      beyond55 += size > 5.5f ? 1 : 0;
      largest = std::max(largest, static_cast<double>(size));
      not_usable += v == 0 || !(size < 10) ? 1 : 0;
    }
  }
  const double n = static_cast<double>(kBlock * kBlocks);
  const double expected5 = n * 2 * normal_cdf(-5), expected55 = n * 2 * normal_cdf(-5.5);
  CHECK(normal_p((beyond5 - expected5) / std::sqrt(expected5)) > kSmallestP);
  CHECK(normal_p((beyond55 - expected55) / std::sqrt(expected55)) > 1e-3);
  CHECK(largest > 5.9);
  CHECK(largest < 6.8);
  CHECK(not_usable == 0);
}

TEST_CASE("streams that differ in one part of their key are independent") {
  constexpr std::size_t n = 200000;
  const auto base = normals<float>(kKey, 0, n);
  std::vector<StreamKey> others;
  for (std::uint32_t purpose = 2; purpose <= 8; ++purpose)
    others.push_back({kKey.seed, static_cast<Purpose>(purpose), kKey.sample, kKey.copy});
  for (int bit = 0; bit < 64; bit += 7) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    others.push_back({kKey.seed ^ one, kKey.purpose, kKey.sample, kKey.copy});
    others.push_back({kKey.seed, kKey.purpose, kKey.sample ^ one, kKey.copy});
    others.push_back({kKey.seed, kKey.purpose, kKey.sample, kKey.copy ^ one});
  }
  double smallest = 1;
  for (const StreamKey& key : others) {
    const auto other = normals<float>(key, 0, n);
    const std::span<const float> a(base), b(other);
    smallest = std::min({smallest, independence_p(a, b, identity), independence_p(a, b, centred_square)});
  }
  CHECK(smallest * 2 * static_cast<double>(others.size()) > kSmallestP);
}

TEST_CASE("permutation: each of the 120 orders of 5 is as frequent, and every element stays one") {
  std::vector<double> seen(3125, 0);
  constexpr int kDraws = 120000;
  for (std::uint64_t sample = 0; sample < kDraws; ++sample) {
    std::size_t code = 0;
    for (const std::uint64_t i : permutation({1, Purpose::resample, sample, 0}, 5)) code = 5 * code + i;
    seen[code] += 1;
  }
  double statistic = 0, kinds = 0;
  for (const double count : seen)
    if (count > 0) {
      kinds += 1;
      statistic += (count - 1000) * (count - 1000) / 1000;
    }
  CHECK(kinds == 120);
  CHECK(chi_square_p(statistic, 119) > kSmallestP);
  for (const std::uint64_t n : {0u, 1u, 2u, 1000u}) {
    const auto order = permutation(kKey, n);
    CHECK(order.size() == n);
    CHECK(std::set<std::uint64_t>(order.begin(), order.end()).size() == n);
    CHECK((n == 0 || *std::max_element(order.begin(), order.end()) == n - 1));
  }
  CHECK(permutation({1, Purpose::resample, 0, 0}, 100) != permutation({1, Purpose::resample, 1, 0}, 100));
}

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "noise/tukey_lambda.hpp"
#include "noise_helpers.hpp"

// Reference values: scipy 1.10 (stats.tukeylambda, and the sum over electrons of numerical convolutions of it).
namespace noiseutils {
namespace {

using namespace test;
using doctest::Approx;

constexpr double kMostOff = 4.5;

TEST_CASE("tukey lambda: variance, distribution function and quantile") {
  const double values[][5] = {
      {0.14, 2.1102970222144855, 0.8147743303756911, 2.066032386949246e-06, -1.2213081580760379},
      {1e-4, 3.2887296137124586, 0.7858544780203474, 0.002468181987190121, -1.3861673431818045},
      {0, 3.289868133696453, 0.7858349830425586, 0.0024726231566347748, -1.3862943611198906},
      {-0.1, 4.780502178742462, 0.7671038786631286, 0.009043444710833626, -1.5205376052444606},
      {-0.2, 7.485121693687224, 0.7497876235379763, 0.019233078824989036, -1.6704505443497082}};
  for (const auto& row : values) {
    const auto& [lambda, variance, above, below, quantile] = row;
    CAPTURE(row[0]);
    CHECK(tukey_lambda_variance(lambda) == Approx(variance).epsilon(1e-7));
    CHECK(tukey_lambda_cdf(1.3, lambda) == Approx(above).epsilon(1e-9));
    CHECK(tukey_lambda_cdf(-6, lambda) == Approx(below).epsilon(1e-7));
    CHECK(tukey_lambda_quantile(0.2, lambda) == Approx(quantile).epsilon(1e-9));
    for (const double u : {1e-12, 1e-3, 0.4, 0.5, 0.9})
      CHECK(tukey_lambda_cdf(tukey_lambda_quantile(u, lambda), lambda) == Approx(u).epsilon(1e-9));
  }
  CHECK(tukey_lambda_cdf(-8, 0.14) == 0);
  CHECK(tukey_lambda_cdf(8, 0.14) == 1);
}

std::unique_ptr<Noise> raw(NoiseParameters numbers) {
  numbers.try_emplace("saturation", 15583);
  return law_of("raw", NoiseSettings{numbers, {{"camera", "SonyA7S2"}}, {}});
}

TEST_CASE("raw: the log-likelihood against numerical convolution, and its mass") {
  const auto bright =
      raw({{"ratio", 100}, {"system-gain", 1.5}, {"read-scale", 2}, {"row-scale", 0.6}, {"lambda", -0.1}});
  CHECK(bright->log_likelihood(0.07, 0.05) == Approx(2.248139844050136).epsilon(1e-8));
  const auto dark =
      raw({{"ratio", 200}, {"system-gain", 0.5}, {"read-scale", 1.2}, {"row-scale", 0.4}, {"lambda", 0.12}});
  CHECK(dark->log_likelihood(0, 0) == Approx(2.830590853084384).epsilon(1e-8));
  CHECK(mass(*dark, 0.02, -0.2, 0.3, 400) == Approx(1).epsilon(1e-6));
}

TEST_CASE("raw: read noise and rounding have their distribution where there is no light") {
  const double scale = 1.2, lambda = -0.15, unit = 200.0 / 15583;
  const auto law =
      raw({{"ratio", 200}, {"system-gain", 0.5}, {"read-scale", scale}, {"row-scale", 0}, {"lambda", lambda}});
  const auto y = noise_of_sample(*law, {1, 0, 0}, {"HW", {100, 100}});
  CHECK(ks_p(y, [&](double value) {
          double sum = 0;  // over the rounding, by the midpoint rule
          for (int i = 0; i < 20; ++i)
            sum += tukey_lambda_cdf((value / unit - (i + 0.5) / 20 + 0.5) / scale, lambda) / 20;
          return sum;
        }) > 1e-5);
}

TEST_CASE("raw: mean and variance, rows included") {
  const auto law = raw({{"ratio", 100}, {"system-gain", 2}, {"read-scale", 1.5}, {"row-scale", 3}, {"lambda", 0.1}});
  const double x = 0.1, unit = 100.0 / 15583;
  const SampleGeometry geometry{"CHW", {4, 100, 25}};
  const std::vector<double> clean(10000, x);
  std::vector<double> y(10000);
  double mean = 0, within = 0, between = 0;
  constexpr int kSamples = 20, kRows = 400 * kSamples;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    law->begin({1, i, 0}, Tensor::of<double>(geometry.shape, clean), geometry)->draw(0, clean, std::span<double>(y));
    for (std::size_t row = 0; row < 400; ++row) {
      double sum = 0, squares = 0;
      for (std::size_t w = 0; w < 25; ++w) {
        sum += (y[row * 25 + w] - x) / unit;
        squares += std::pow((y[row * 25 + w] - x) / unit, 2);
      }
      mean += sum / 25 / kRows;
      within += (squares - sum * sum / 25) / 24 / kRows;
      between += (sum / 25) * (sum / 25) / kRows;
    }
  }
  const double element = law->variance_at(x) / (unit * unit) - 9;
  CHECK(element == Approx(2 * x / unit + 2.25 * tukey_lambda_variance(0.1) + 1.0 / 12));
  CHECK(std::abs(mean) < kMostOff * std::sqrt((9 + element / 25) / kRows));
  CHECK(std::abs(within / element - 1) < kMostOff * std::sqrt(2.3 / (24.0 * kRows)));  // kurtosis near 3
  CHECK(std::abs(between / (9 + element / 25) - 1) < kMostOff * std::sqrt(2.0 / kRows));
}

TEST_CASE("raw: a sample's parameters follow the camera's lines, and are what its metadata say") {
  const auto law = raw({{"ratio", 100}});
  double log_gain = 0, read = 0, lambda = 0;
  constexpr int n = 2000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto own = law->of_sample({1, i, 0}, {"HW", {2, 2}});
    const auto p = own->parameters();
    const double k = std::log(p.at("system-gain"));
    CHECK((k >= std::log(0.0939) - 1e-12 && k <= std::log(6.011) + 1e-12));
    CHECK((p.at("lambda") >= -0.143 && p.at("lambda") <= 0.129));
    log_gain += k / n;
    lambda += p.at("lambda") / n;
    read += std::pow((std::log(p.at("read-scale")) - 0.4621 * k - 0.5657) / 0.2634, 2) / n;
    if (i < 3) {
      const auto again = noise_from_metadata(extended_noise_metadata("", *own, 1, false));
      CHECK(again[0]->parameters() == p);
      CHECK(again[0]->variance().constant == own->variance().constant);
    }
  }
  const double width = std::log(6.011 / 0.0939);
  CHECK(std::abs(log_gain - 0.5 * std::log(0.0939 * 6.011)) < kMostOff * width / std::sqrt(12.0 * n));
  CHECK(std::abs(read - 1) < kMostOff * std::sqrt(2.0 / n));
  CHECK(std::abs(lambda + 0.049) < kMostOff * 0.272 / std::sqrt(12.0 * n));
  CHECK_THROWS_AS(law->variance(), DataError);
  CHECK(
      raw({{"ratio", 100}, {"system-gain", 2}})->of_sample({1, 0, 0}, {"HW", {2, 2}})->parameters().at("system-gain") ==
      2);
  CHECK_THROWS_AS(law_of("raw", NoiseSettings{{{"ratio", 100}}, {{"camera", "Leica"}}, {}}), UsageError);
}

}  // namespace
}  // namespace noiseutils

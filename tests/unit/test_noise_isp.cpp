#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "noise/bayer.hpp"
#include "noise/response_curve.hpp"
#include "noise_helpers.hpp"
#include "tensor/jpeg.hpp"

namespace noiseutils {
namespace {

using namespace test;
using doctest::Approx;

TEST_CASE("bayer: what the mosaic measured stays, planes of linear colours come back whole inside") {
  constexpr std::int64_t kHeight = 7, kWidth = 8;
  const auto at = [](int c, int y, int x) { return static_cast<std::size_t>((c * kHeight + y) * kWidth + x); };
  for (const std::string pattern : {"rggb", "bggr", "grbg", "gbrg"}) {
    std::vector<double> planes(3 * kHeight * kWidth), edges(planes.size());
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          planes[at(c, y, x)] = 1 + c + 0.25 * y - 0.5 * (c + 1) * x;
          edges[at(c, y, x)] = (y * 5 + x * 3 + c) % 7;
        }
    auto seen = planes, kept = edges;
    through_bayer_mosaic(seen, kHeight, kWidth, pattern);
    through_bayer_mosaic(kept, kHeight, kWidth, pattern);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const bool inside = y > 0 && x > 0 && y + 1 < kHeight && x + 1 < kWidth;
          if (inside) CHECK(seen[at(c, y, x)] == Approx(planes[at(c, y, x)]));
          if (pattern[static_cast<std::size_t>(y % 2 * 2 + x % 2)] == "rgb"[c])
            CHECK(kept[at(c, y, x)] == edges[at(c, y, x)]);
        }
    std::vector<double> flat(3 * 4, 0.3);
    through_bayer_mosaic(flat, 2, 2, pattern);
    for (const double v : flat) CHECK(v == Approx(0.3));
  }
}

TEST_CASE("response curve: a power or a table, with its inverse and the slope of that") {
  const ResponseCurve power(2.2), table(map_of({4}, {10, 20, 40, 50}));
  CHECK(power.value(0.25) == Approx(std::pow(0.25, 1 / 2.2)));
  CHECK(table.value(0.5) == Approx(0.5));
  CHECK(table.value(1.0 / 6) == Approx(0.125));
  CHECK(table.value(1) == 1);
  for (const ResponseCurve& curve : {power, table}) {
    for (const double v : {0.0, 0.1, 0.3, 0.8, 1.0}) CHECK(curve.value(curve.light(v)) == Approx(v));
    CHECK(curve.light_slope(0.4) == Approx((curve.light(0.4 + 1e-6) - curve.light(0.4 - 1e-6)) / 2e-6));
  }
  CHECK_THROWS_AS(ResponseCurve(map_of({3}, {1, 1, 2})), DataError);
  CHECK_THROWS_AS(ResponseCurve(map_of({1}, {1})), DataError);
  CHECK_THROWS_AS(ResponseCurve(map_of({2, 2}, {1, 2, 3, 4})), DataError);
}

std::unique_ptr<Noise> isp(const NoiseParameters& numbers, const std::string& law = "linear",
                           const std::string& pattern = "none") {
  return law_of("isp", NoiseSettings{numbers, {{"law", law}, {"pattern", pattern}}, {}});
}

std::vector<double> isp_draws(const Noise& law, const SampleGeometry& geometry, double x) {
  const std::vector<double> clean(static_cast<std::size_t>(element_count(geometry.shape)), x);
  std::vector<double> y(clean.size());
  law.begin({4, 0, 0}, Tensor::of<double>(geometry.shape, clean), geometry)->draw(0, clean, std::span<double>(y));
  return y;
}

TEST_CASE("isp: one pixel has the law of a clipped normal number behind the response, under both laws of variance") {
  for (const std::string kind : {"linear", "square"})
    for (const double x : {0.2, 0.7, 0.98}) {
      CAPTURE(kind);
      CAPTURE(x);
      const auto law = isp({{"sigma-s", 0.16}, {"sigma-c", 0.05}, {"gamma", 2.2}}, kind);
      const double light = std::pow(x, 2.2);
      const double sigma = std::sqrt(0.0256 * (kind == "linear" ? light : light * light) + 0.0025);
      const auto y = isp_draws(*law, {"HW", {200, 200}}, x);
      const double mean = law->mean_at(x), variance = law->variance_at(x), n = static_cast<double>(y.size());
      double sum = 0, squares = 0, fourth = 0;
      for (const double v : y) {
        sum += (v - mean) / n;
        squares += std::pow(v - mean, 2) / n;
        fourth += std::pow(v - mean, 4) / n;
      }
      CHECK(std::abs(sum) < 4.5 * std::sqrt(variance / n));
      CHECK(std::abs(squares - variance) < 4.5 * std::sqrt((fourth - squares * squares) / n));
      const double dark = normal_cdf(-light / sigma), full = normal_cdf((light - 1) / sigma);
      CHECK(std::exp(law->log_likelihood(0, x)) == Approx(dark).epsilon(1e-9));
      CHECK(std::exp(law->log_likelihood(1, x)) == Approx(full).epsilon(1e-9));
      CHECK(mass(*law, x, 1e-9, 1 - 1e-9, 20000) + dark + full == Approx(1).epsilon(1e-5));
      if (full < 1e-9)
        CHECK(ks_p(
                  y, [&](double v) { return normal_cdf((std::pow(v, 2.2) - light) / sigma); }, dark * (1 + 1e-9)) >
              1e-5);
    }
}

TEST_CASE("isp: the mosaic joins neighbours, but not what it measured; without noise only the curve is passed") {
  const SampleGeometry geometry{"CHW", {3, 20, 20}};
  const NoiseParameters noisy{{"sigma-s", 0.1}, {"sigma-c", 0.02}, {"gamma", 2.2}};
  const auto plain = isp_draws(*isp(noisy), geometry, 0.6),
             seen = isp_draws(*isp(noisy, "linear", "grbg"), geometry, 0.6);
  std::size_t same = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) same += plain[i] == seen[i] ? 1 : 0;
  CHECK(same == 400);
  for (const double v :
       isp_draws(*isp({{"sigma-s", 0}, {"sigma-c", 0}, {"gamma", 2.2}}, "linear", "rggb"), geometry, 0.6))
    CHECK(v == Approx(0.6));
  CHECK_THROWS_AS(isp(noisy)->of_sample({}, {"CHW", {4, 9, 9}}), DataError);
  CHECK_THROWS_AS(isp(noisy)->of_sample({}, {"D", {9}}), DataError);
  CHECK_THROWS_AS(isp(noisy, "linear", "rggb")->of_sample({}, {"CHW", {3, 1, 9}}), DataError);
  CHECK_THROWS_AS(isp(noisy)->variance(), DataError);
}

TEST_CASE("isp: JPEG leaves 8-bit values near those without it") {
  const SampleGeometry geometry{"CHW", {3, 33, 20}};
  const NoiseParameters numbers{{"sigma-s", 0.02}, {"sigma-c", 0}, {"gamma", 2.2}};
  NoiseParameters with_jpeg = numbers;
  with_jpeg["jpeg"] = 100;
  const auto plain = isp_draws(*isp(numbers), geometry, 0.6), jpeg = isp_draws(*isp(with_jpeg), geometry, 0.6);
  for (std::size_t i = 0; i < jpeg.size(); ++i) {
    CHECK(255 * jpeg[i] == Approx(std::round(255 * jpeg[i])).epsilon(1e-12));
    CHECK(std::abs(jpeg[i] - plain[i]) < 4 / 255.0);
  }
  const std::vector<std::uint8_t> flat(3 * 5 * 7, 99);
  CHECK(through_jpeg(flat, 5, 7, 3, 90) == flat);
  std::vector<std::uint8_t> grey(40 * 50);
  for (std::size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<std::uint8_t>(2 * (i % 50) + i / 50);
  const auto back = through_jpeg(grey, 40, 50, 1, 100);
  for (std::size_t i = 0; i < grey.size(); ++i) CHECK(std::abs(back[i] - grey[i]) <= 2);
}

}  // namespace
}  // namespace noiseutils

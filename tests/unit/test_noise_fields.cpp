#include <doctest/doctest.h>

#include <cmath>
#include <complex>

#include "base/error.hpp"
#include "linalg/fft.hpp"
#include "noise_helpers.hpp"

namespace noiseutils {
namespace {

using namespace test;
using doctest::Approx;

constexpr double kMostOff = 4.5;

/// Mean and standard error of a statistic over samples.
struct Averaged {
  double sum = 0, squares = 0, count = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    count += 1;
  }
  double errors_from(double expected) const {
    const double mean = sum / count;
    return std::abs(mean - expected) / std::sqrt((squares / count - mean * mean) / (count - 1));
  }
};

TEST_CASE("row-column: a sum of a number for the row and one for the column, in every plane") {
  const auto law = law_of("row-column", {{"row", 0.3}, {"column", 0.1}});
  const SampleGeometry geometry{"CHW", {2, 40, 30}};
  Averaged rows, columns;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto n = noise_of_sample(*law, {1, i, 0}, geometry);
    const auto at = [&](int c, int h, int w) { return n[static_cast<std::size_t>((c * 40 + h) * 30 + w)]; };
    for (int c = 0; c < 2; ++c) {
      double worst = 0;
      for (int h = 0; h < 40; ++h)
        for (int w = 0; w < 30; ++w)
          worst = std::max(worst, std::abs(at(c, h, w) - at(c, h, 0) - at(c, 0, w) + at(c, 0, 0)));
      CHECK(worst < 1e-14);
      for (int h = 1; h < 40; h += 2) rows.add(std::pow(at(c, h, 0) - at(c, h - 1, 0), 2) / 2);
      for (int w = 1; w < 30; w += 2) columns.add(std::pow(at(c, 0, w) - at(c, 0, w - 1), 2) / 2);
    }
    CHECK(at(0, 0, 0) != at(1, 0, 0));
  }
  CHECK(rows.errors_from(0.09) < kMostOff);
  CHECK(columns.errors_from(0.01) < kMostOff);
  CHECK(law->variance_at(3) == Approx(0.1));
  CHECK(mass(*law, 0.5, -3, 4) == Approx(1).epsilon(1e-10));
  CHECK_THROWS_AS(law->of_sample({}, {"D", {9}}), DataError);
  CHECK_THROWS_AS(law_of("row-column", {{"row", 0}, {"column", 0}}), UsageError);
}

std::unique_ptr<Noise> correlated(NoiseParameters numbers, NoiseMaps maps) {
  numbers["sigma"] = 0.5;
  return law_of("correlated", NoiseSettings{numbers, {}, std::move(maps)});
}

TEST_CASE("correlated by a kernel: covariances are those of the kernel with itself, up to the border") {
  const std::vector<double> kernel = {1, 2, 0, -1, 3, 1};  // 2 x 3
  const auto law = correlated({}, {{"kernel", map_of({2, 3}, kernel)}});
  const SampleGeometry geometry{"CHW", {2, 70, 9}};  // taller than a block of rows
  for (int dy = 0; dy < 3; ++dy)
    for (int dx = -3; dx < 4; ++dx) {
      double expected = 0;
      for (int a = 0; a + dy < 2; ++a)
        for (int b = std::max(0, -dx); b < 3 && b + dx < 3; ++b)
          expected +=
              kernel[static_cast<std::size_t>(a * 3 + b)] * kernel[static_cast<std::size_t>((a + dy) * 3 + b + dx)];
      Averaged inside, across;
      for (std::uint64_t i = 0; i < 60; ++i) {
        const auto n = noise_of_sample(*law, {1, i, 0}, geometry);
        double sum = 0, other = 0, pairs = 0;
        for (int h = 0; h + dy < 70; ++h)
          for (int w = std::max(0, -dx); w < 9 && w + dx < 9; ++w) {
            sum += n[static_cast<std::size_t>(h * 9 + w)] * n[static_cast<std::size_t>((h + dy) * 9 + w + dx)];
            other += n[static_cast<std::size_t>(h * 9 + w)] * n[static_cast<std::size_t>((70 + h + dy) * 9 + w + dx)];
            pairs += 1;
          }
        inside.add(sum / pairs);
        across.add(other / pairs);
      }
      CAPTURE(dy);
      CAPTURE(dx);
      CHECK(inside.errors_from(0.25 * expected / 16) < kMostOff);
      CHECK(across.errors_from(0) < kMostOff);
    }
}

TEST_CASE("correlated by a spectrum: the power at every frequency is that of the spectrum") {
  constexpr std::int64_t kHeight = 6, kWidth = 10;
  std::vector<double> psd, power(kHeight * (kWidth / 2 + 1), 0.0);
  double mean = 0;
  for (int ky = 0; ky < kHeight; ++ky)
    for (int kx = 0; kx < kWidth; ++kx) {
      const double fy = std::min(ky, static_cast<int>(kHeight) - ky), fx = std::min(kx, static_cast<int>(kWidth) - kx);
      psd.push_back(10 / (1 + fy * fy + 2 * fx * fx));
      mean += psd.back() / (kHeight * kWidth);
    }
  const auto law = correlated({}, {{"psd", map_of({kHeight, kWidth}, psd)}});
  const RealFft2<double> fft(kHeight, kWidth);
  std::vector<std::complex<double>> transform(power.size());
  constexpr int kSamples = 2000;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    const auto n = noise_of_sample(*law, {1, i, 0}, {"HW", {kHeight, kWidth}});
    fft.forward(n.data(), transform.data());
    for (std::size_t k = 0; k < power.size(); ++k) power[k] += std::norm(transform[k]) / kSamples;
  }
  for (int ky = 0; ky < kHeight; ++ky)
    for (int kx = 0; kx <= kWidth / 2; ++kx) {
      const double expected = 0.25 * kHeight * kWidth * psd[static_cast<std::size_t>(ky * kWidth + kx)] / mean;
      const bool real = (ky % (kHeight / 2) == 0) && (kx % (kWidth / 2) == 0);  // chi-square of 1, not 2 degrees
      const double ratio = power[static_cast<std::size_t>(ky * (kWidth / 2 + 1) + kx)] / expected;
      CHECK(std::abs(ratio - 1) < kMostOff * std::sqrt((real ? 2.0 : 1.0) / kSamples));
    }
}

TEST_CASE("correlated: a kernel of one value and a flat spectrum leave the white noise of gaussian") {
  const SampleGeometry geometry{"THW", {2, 8, 6}};
  const auto white = noise_of_sample(*law_of("gaussian", {{"sigma", 0.5}}), {3, 1, 0}, geometry);
  const auto by_kernel = noise_of_sample(*correlated({}, {{"kernel", map_of({1}, {7})}}), {3, 1, 0}, geometry);
  const auto by_spectrum =
      noise_of_sample(*correlated({}, {{"psd", map_of({8, 6}, std::vector<double>(48, 3.0))}}), {3, 1, 0}, geometry);
  for (std::size_t i = 0; i < white.size(); ++i) {
    CHECK(by_kernel[i] == Approx(white[i]).epsilon(1e-14));
    CHECK(std::abs(by_spectrum[i] - white[i]) < 1e-13);
  }
}

TEST_CASE("correlated over frames: any two have the correlation --shared, each has the whole variance") {
  const SampleGeometry geometry{"CTHW", {2, 3, 5, 4}};
  const auto at = [](int c, int t, int p) { return static_cast<std::size_t>((c * 3 + t) * 20 + p); };
  Averaged variance, covariance, channels;
  const auto law = correlated({{"shared", 0.3}}, {{"kernel", map_of({2, 2}, {1, 1, 0, 1})}});
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto n = noise_of_sample(*law, {1, i, 0}, geometry);
    double own = 0, shared = 0, apart = 0;
    for (int p = 0; p < 20; ++p) {
      own += n[at(1, 2, p)] * n[at(1, 2, p)] / 20;
      shared += n[at(1, 0, p)] * n[at(1, 2, p)] / 20;
      apart += n[at(0, 1, p)] * n[at(1, 1, p)] / 20;
    }
    variance.add(own);
    covariance.add(shared);
    channels.add(apart);
  }
  CHECK(variance.errors_from(0.25) < kMostOff);
  CHECK(covariance.errors_from(0.3 * 0.25) < kMostOff);
  CHECK(channels.errors_from(0) < kMostOff);
  const auto one = noise_of_sample(*correlated({{"shared", 1}}, {}), {1, 0, 0}, geometry);
  for (int p = 0; p < 20; ++p) CHECK(one[at(1, 0, p)] == one[at(1, 2, p)]);
  CHECK(noise_of_sample(*correlated({{"shared", 0}}, {}), {1, 0, 0}, geometry) ==
        noise_of_sample(*law_of("gaussian", {{"sigma", 0.5}}), {1, 0, 0}, geometry));
}

TEST_CASE("correlated: what does not fit is refused") {
  CHECK_THROWS_AS(correlated({}, {}), UsageError);
  CHECK_THROWS_AS(correlated({}, {{"kernel", map_of({1}, {1})}, {"psd", map_of({1}, {1})}}), UsageError);
  CHECK_THROWS_AS(correlated({}, {{"kernel", map_of({2}, {0, 0})}}), DataError);
  CHECK_THROWS_AS(correlated({}, {{"psd", map_of({2}, {1, -1})}}), DataError);
  CHECK_THROWS_AS(correlated({}, {{"kernel", map_of({1, 1, 1}, {1})}}), DataError);
  const auto psd = correlated({}, {{"psd", map_of({2, 2}, {1, 1, 1, 1})}});
  CHECK_THROWS_AS(psd->of_sample({}, {"HW", {2, 3}}), DataError);
  CHECK_THROWS_AS(psd->of_sample({}, {"D", {2}}), DataError);
  CHECK_THROWS_AS(correlated({{"shared", 0.5}}, {})->of_sample({}, {"HW", {2, 3}}), DataError);
  CHECK_THROWS_AS(
      correlated({{"shared", 0.5}}, {{"kernel", map_of({2, 1}, {1, 1})}})->of_sample({}, {"HWT", {2, 3, 4}}),
      DataError);
}

}  // namespace
}  // namespace noiseutils

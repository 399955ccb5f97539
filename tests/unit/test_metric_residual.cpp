#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "metric/distributions.hpp"
#include "risk_helpers.hpp"

using namespace noiseutils;

TEST_CASE("chi-square tail: tables, the exponential law, and far out") {
  CHECK(chi_square_tail(3.841458820694124, 1) == about(0.05));
  CHECK(chi_square_tail(18.307038053275146, 10) == about(0.05));
  CHECK(chi_square_tail(124.34211340400407, 100) == about(0.05));
  for (const double x : {0.01, 1.0, 3.0, 5.0, 50.0, 600.0}) {
    CHECK(chi_square_tail(x, 2) == about(std::exp(-x / 2)));
    CHECK(chi_square_tail(x, 1) == about(std::erfc(std::sqrt(x / 2)), 1e-11));
    CHECK(chi_square_tail(x, 4) == about(std::exp(-x / 2) * (1 + x / 2)));
  }
  CHECK(chi_square_tail(0, 3) == 1);
  CHECK(std::isnan(chi_square_tail(std::nan(""), 3)));
}

TEST_CASE("kolmogorov_tail: the other series of the theta function, and the usual critical values") {
  for (const double x : {0.25, 0.5, 0.8, 1.0, 1.5, 2.5}) {
    double sum = 0;  // 1 - sqrt(2 pi) / x sum_k exp(-(2 k - 1)^2 pi^2 / (8 x^2))
    for (int k = 1; k < 60; ++k) sum += std::exp(-std::pow((2 * k - 1) * std::numbers::pi / x, 2) / 8);
    CHECK(std::abs(kolmogorov_tail(x) - (1 - std::sqrt(2 * std::numbers::pi) / x * sum)) < 1e-14);
  }
  CHECK(kolmogorov_tail(1.3581) == about(0.05, 1e-4));
  CHECK(kolmogorov_tail(1.6276) == about(0.01, 1e-3));
  CHECK(kolmogorov_tail(0) == 1);
  CHECK(std::isnan(kolmogorov_tail(std::nan(""))));
}

TEST_CASE("whiteness and normality: p is uniform where the noise is white and normal") {
  constexpr int kTrials = 300;
  struct Figure {
    std::string name;
    std::size_t place;
  };
  for (const Figure& asked : {Figure{"whiteness", 0}, Figure{"normality", 0}, Figure{"normality", 6}}) {
    const std::string& name = asked.name;
    const std::size_t place = asked.place;
    CAPTURE(name);
    CAPTURE(place);
    double mean = 0;
    int below_tenth = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const Values x(4096, 0.3);
      Values y = normals(4096, static_cast<std::uint64_t>(100 + trial));
      for (double& value : y) value = 0.3 + 0.5 * value;
      const double p = figures(name, estimated_sample({64, 64}, x, y, kGaussian))[place];
      mean += p / kTrials;
      below_tenth += p < 0.1 ? 1 : 0;
    }
    CHECK(std::abs(mean - 0.5) < 4 * std::sqrt(1.0 / 12 / kTrials));
    CHECK(std::abs(below_tenth - 0.1 * kTrials) < 4 * std::sqrt(0.09 * kTrials));
  }
}

TEST_CASE("whiteness: of a moving average the correlations are known, and p is tiny") {
  const Values z = normals(128 * 129, 5);
  Values y;
  for (std::size_t row = 0; row < 128; ++row)
    for (std::size_t x = 0; x < 128; ++x) y.push_back((z[row * 129 + x] + z[row * 129 + x + 1]) / std::sqrt(2.0));
  const Values white = figures("whiteness", estimated_sample({128, 128}, Values(16384), y, ""), {{"sigma", "1"}});
  CHECK(white[0] < 1e-100);
  CHECK(white[2] == 40);
  CHECK(std::abs(white[3] - 0.5) < 5 / 128.0);
  CHECK(std::abs(white[4]) < 5 / 128.0);
  // By hand: 1, -1, 1, -1 with lag 1: products -1, -1, -1 in 3 pairs; lag 2: 2 pairs of +1.
  const Values few =
      figures("whiteness", estimated_sample({4}, Values(4), {1, -1, 1, -1}, ""), {{"sigma", "1"}, {"lags", "2"}});
  CHECK(few[1] == about(3 + 2));
  CHECK(few[2] == 2);
  CHECK(few[3] == about(-1));
  CHECK(std::isnan(few[4]));
}

TEST_CASE("normality: moments by hand; uniform residuals are found out; sigma is that of each element") {
  const Values moments = figures("normality", estimated_sample({4}, Values(4), {0, 0, 0, 4}, ""), {{"sigma", "1"}});
  // Mean 1, deviations -1 -1 -1 3: m2 = 3, m3 = 6, m4 = 21.
  CHECK(moments[1] == about(6 / std::pow(3, 1.5)));
  CHECK(moments[2] == about(21.0 / 9 - 3));
  CHECK(moments[0] == about(std::exp(-4 * (36.0 / 27 / 6 + std::pow(21.0 / 9 - 3, 2) / 24) / 2)));
  CHECK(moments[3] == about(1));
  CHECK(moments[4] == about(std::sqrt(3)));
  Values uniform(4096);
  fill_uniform({1, Purpose::noise, 0, 0}, 0, std::span<double>(uniform));
  CHECK(figure("normality", estimated_sample({4096}, Values(4096), uniform, ""), {{"sigma", "1"}}) < 1e-10);
  // Counts with mean 100: nearly normal, of variance x / 4 at each element.
  Values x(4096);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 100.0 * static_cast<double>(1 + i % 7);
  const Values counts = figures("normality", estimated_sample({4096}, x, draw(kPoisson, x, 3), kPoisson));
  CHECK(std::abs(counts[3]) < 5.0 / 64);
  CHECK(std::abs(counts[4] - 1) < 5 / std::sqrt(2 * 4096.0));
}

TEST_CASE("frc: 1 for equal images, near 0 for independent ones, and where the band ends") {
  const auto pair = [](const Values& a, const Values& b, std::int64_t side) {
    return MetricSample({"HW", Tensor::of<double>({side, side}, a), Tensor::of<double>({side, side}, b)});
  };
  const Values a = normals(128 * 128, 6), b = normals(128 * 128, 7);
  const Values same = figures("frc", pair(a, a, 128));
  CHECK(same[0] == about(1));
  CHECK(same[1] == 2);
  const Values apart = figures("frc", pair(a, b, 128), {{"rings", "8"}});
  CHECK(std::abs(apart[0]) < 0.05);

  // Waves of all frequencies up to 0.2 cycles a pixel, and noise of its own, weaker in each of them in each image: the
  // correlation falls from one to nothing at 0.2, within the width of a ring and of the window's transform.
  Values signal(128 * 128), one = normals(128 * 128, 8), two = normals(128 * 128, 9);
  std::uint64_t wave = 0;
  for (double fy = -0.2; fy <= 0.2; fy += 1.0 / 64)
    for (double fx = 0; fx <= 0.2; fx += 1.0 / 64) {
      if (fy * fy + fx * fx > 0.04) continue;
      const double phase = 2.4 * static_cast<double>(++wave);
      for (std::size_t i = 0; i < signal.size(); ++i)
        signal[i] += std::cos(
            2 * std::numbers::pi * (fy * static_cast<double>(i / 128) + fx * static_cast<double>(i % 128)) + phase);
    }
  for (std::size_t i = 0; i < signal.size(); ++i) {
    one[i] = signal[i] + one[i];
    two[i] = signal[i] + two[i];
  }
  const Values band = figures("frc", pair(one, two, 128));
  CHECK(std::abs(1 / band[1] - 0.2) < 2.0 / 64 + 2.0 / 128);
}

TEST_CASE("metric: without a reference, merged parts are the whole, and states come back") {
  Elementwise denoiser([](double y) { return y * y / (1 + y); });
  const Values x = ramp(500), y = draw(kPoisson, x, 1), z = draw(kPoisson, ramp(300), 2);
  for (const std::string name : {"sure", "pure", "jloss", "whiteness", "normality", "frc"}) {
    CAPTURE(name);
    const auto sample = [&](const Values& noisy, std::int64_t index) {
      const auto n = static_cast<std::int64_t>(noisy.size());
      MetricSampleParts parts{"D", Tensor::of<double>({n}, noisy)};
      parts.noisy = Tensor::of<double>({n}, draw(kPoisson, noisy, 5));
      parts.clean = parts.noisy;
      parts.noise = parts.noise_removed = kPoisson;
      parts.denoiser = &denoiser;
      parts.index = index;
      return MetricSample(std::move(parts));
    };
    const auto whole = make(name), left = make(name), right = make(name), restored = make(name);
    whole->add(sample(y, 0));
    whole->add(sample(z, 1));
    left->add(sample(y, 0));
    right->add(sample(z, 1));
    restored->restore(left->state());
    restored->merge(*right);
    for (std::size_t i = 0; i < whole->finish().size(); ++i)
      if (const double value = whole->finish()[i].value; !std::isnan(value))
        CHECK(restored->finish()[i].value == about(value));
    CHECK(whole->finish().front().name == name);
    CHECK_THROWS_AS(restored->restore({}), DataError);
  }
}

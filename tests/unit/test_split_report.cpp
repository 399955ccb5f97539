#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "linalg/white_bulk.hpp"
#include "model/gaussian.hpp"
#include "random/random.hpp"
#include "report/split_report.hpp"

using namespace noiseutils;
using doctest::Approx;

namespace {

using Vector = std::vector<double>;

/// N(mean, diag(lambda)).
std::unique_ptr<LinearModel> diagonal_law(const Vector& lambda, double mean) {
  const auto d = static_cast<std::int64_t>(lambda.size());
  Vector basis(static_cast<std::size_t>(d * d));
  for (std::int64_t k = 0; k < d; ++k) basis[static_cast<std::size_t>(k * d + k)] = 1;
  ModelInfo info;
  info.kind = "gaussian";
  info.axes = "D";
  info.shape = {d};
  return gaussian_model(std::move(info), Vector(lambda.size(), mean), Tensor::of({d, d}, basis), lambda, 0);
}

SampleRows drawn(const Model& law, std::int64_t count, std::uint64_t seed) {
  SampleRows rows{count, law.dim(), Vector(static_cast<std::size_t>(count * law.dim()))};
  fill_normal({32, Purpose::probe, seed, 0}, 0, std::span<double>(rows.values));
  law.draw(std::span<const double>(rows.values), std::span<double>(rows.values));
  return rows;
}

Vector power_law(std::size_t d, double exponent) {
  Vector lambda;
  for (std::size_t i = 1; i <= d; ++i) lambda.push_back(std::pow(static_cast<double>(i), -exponent));
  return lambda;
}

Vector spiked(std::size_t d, double beta) {
  Vector lambda(d, 1.0);
  lambda[0] += beta;
  return lambda;
}

TEST_CASE("split report: the spectrum of rows, and the levels of reports, by hand") {
  // (+-3, 0) and (0, +-1): the covariance over n - 1 = 3 is diag(18, 2) / 3, its root mean variance sqrt(10 / 3).
  const SampleRows rows{4, 2, {3, 0, -3, 0, 0, 1, 0, -1}};
  const EquivalentSpectrum spectrum = spectrum_of_rows(rows);
  CHECK(spectrum.dim() == 2);
  CHECK(spectrum.inverse_degrees() == Approx(1.0 / 3).epsilon(1e-14));
  CHECK(spectrum.values()[0] == Approx(6).epsilon(1e-14));
  CHECK(spectrum.values()[1] == Approx(2.0 / 3).epsilon(1e-14));
  const Vector levels = default_levels(spectrum);
  REQUIRE(levels.size() == 3);
  for (const auto& [level, share] : {std::pair{levels[0], 0.1}, {levels[1], 0.3}, {levels[2], 1.0}})
    CHECK(level == Approx(share * std::sqrt(10.0 / 3)).epsilon(1e-14));
  CHECK_THROWS_AS(spectrum_of_rows({2, 2, {1, 2, 1, 2}}), DataError);
}

/// One number of every row, by plain matrices: D(y) = m + S (S + t)^-1 (y - m) applied to unit vectors.
struct Dense {
  std::int64_t d;
  Vector mean, wiener;  // W, row-major
};
Dense dense(const FittedGaussian& law, double t) {
  Dense result{law.dim, law.mean, Vector(static_cast<std::size_t>(law.dim * law.dim))};
  for (std::int64_t k = 0; k < law.rank(); ++k) {
    const double lambda = law.eigenvalues[static_cast<std::size_t>(k)];
    for (std::int64_t i = 0; i < law.dim; ++i)
      for (std::int64_t j = 0; j < law.dim; ++j)
        result.wiener[static_cast<std::size_t>(i * law.dim + j)] +=
            lambda / (lambda + t) * law.basis[static_cast<std::size_t>(k * law.dim + i)] *
            law.basis[static_cast<std::size_t>(k * law.dim + j)];
  }
  return result;
}
Vector estimate(const Dense& denoiser, const double* y) {
  Vector x = denoiser.mean;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) x[i] += denoiser.wiener[i * x.size() + j] * (y[j] - denoiser.mean[j]);
  return x;
}
double frobenius(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

TEST_CASE("fitted gaussian: fewer rows than dimensions and more, by the definition of a covariance") {
  const auto law = diagonal_law(power_law(12, 0.5), 2);
  for (const std::int64_t n : {5, 40}) {
    const SampleRows rows = drawn(*law, n, 3);
    std::vector<std::uint64_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0U);
    const FittedGaussian fitted = fit_gaussian(rows, all);
    CHECK(fitted.rank() == std::min<std::int64_t>(n - 1, 12));
    for (std::size_t i = 0; i < 12; ++i)
      for (std::size_t j = 0; j < 12; ++j) {
        double expected = 0, seen = 0;
        for (std::int64_t r = 0; r < n; ++r)
          expected +=
              (rows.row(r)[i] - fitted.mean[i]) * (rows.row(r)[j] - fitted.mean[j]) / static_cast<double>(n - 1);
        for (std::size_t k = 0; k < fitted.eigenvalues.size(); ++k)
          seen += fitted.eigenvalues[k] * fitted.basis[k * 12 + i] * fitted.basis[k * 12 + j];
        CHECK(seen == Approx(expected).epsilon(1e-10));
      }
  }
  SampleRows flat{3, 2, Vector(6, 1.0)};
  const std::vector<std::uint64_t> three = {0, 1, 2};
  CHECK_THROWS_AS(fit_gaussian(flat, three), DataError);
}

TEST_CASE("split pair: traces equal the denoisers applied to samples, and to the noise one direction at a time") {
  const std::size_t d = 9;
  const auto law = diagonal_law(power_law(d, 1), 1);
  const SampleRows rows = drawn(*law, 40, 5);
  const std::vector<std::uint64_t> chosen[2] = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  std::vector<std::uint64_t> others(20);
  std::iota(others.begin(), others.end(), 20U);
  SplitHalves halves;
  for (std::size_t h = 0; h < 2; ++h) {
    halves[h].law = fit_gaussian(rows, chosen[h]);
    halves[h].rows = coordinates_in(halves[h].law, rows);
  }
  const double t = 0.09;
  const SplitDenoisers split = SplitPair(halves, judged_by_rows(halves, rows, others)).at(0.3);
  const Dense a = dense(halves[0].law, t), b = dense(halves[1].law, t);
  const Vector zero(d * d);
  double gap = t * frobenius(a.wiener, b.wiener),
         test = t * (frobenius(a.wiener, zero) + frobenius(b.wiener, zero)) / 2;
  double train = test;
  for (const std::uint64_t i : others) {
    const double* x = rows.row(static_cast<std::int64_t>(i));
    const Vector clean(x, x + d), one = estimate(a, x), two = estimate(b, x);
    gap += frobenius(one, two) / 20;
    test += (frobenius(one, clean) + frobenius(two, clean)) / 40;
  }
  for (std::size_t h = 0; h < 2; ++h)
    for (const std::uint64_t i : chosen[h]) {
      const double* x = rows.row(static_cast<std::int64_t>(i));
      train += frobenius(estimate(h == 0 ? a : b, x), Vector(x, x + d)) / (2 * static_cast<double>(chosen[h].size()));
    }
  CHECK(split.gap == Approx(gap).epsilon(1e-10));
  CHECK(split.test_mse == Approx(test).epsilon(1e-10));
  CHECK(split.train_mse == Approx(train).epsilon(1e-10));
}

TEST_CASE("split pair: a known law judges as its samples do, however many") {
  const auto law = diagonal_law(power_law(6, 1), 1);
  const SampleRows rows = drawn(*law, 40020, 6);
  const std::vector<std::uint64_t> chosen[2] = {{0, 1, 2, 3}, {4, 5, 6, 7, 8, 9, 10, 11, 12}};
  std::vector<std::uint64_t> others(40000);
  std::iota(others.begin(), others.end(), 20U);
  SplitHalves halves;
  for (std::size_t h = 0; h < 2; ++h) {
    halves[h].law = fit_gaussian(rows, chosen[h]);
    halves[h].rows = coordinates_in(halves[h].law, rows);
  }
  const SplitDenoisers exact = SplitPair(halves, judged_by_law(halves, *law)).at(0.5);
  const SplitDenoisers by_rows = SplitPair(halves, judged_by_rows(halves, rows, others)).at(0.5);
  CHECK(by_rows.gap == Approx(exact.gap).epsilon(0.01));
  CHECK(by_rows.cosine == Approx(exact.cosine).epsilon(0.01));
  CHECK(by_rows.test_mse == Approx(exact.test_mse).epsilon(0.01));
  CHECK(by_rows.train_mse == exact.train_mse);
}

/// The means over draws of the data.
SplitComparison mean_comparison(const LinearModel& law, std::int64_t n, const SplitSettings& settings, int seeds) {
  SplitComparison mean;
  for (int seed = 0; seed < seeds; ++seed) {
    const SplitReport report(drawn(law, 2 * n, 70 + static_cast<std::uint64_t>(seed)), &law);
    const SplitComparison one = report.compare(n, settings);
    mean.theory = one.theory;
    mean.seen.similarity += one.seen.similarity / seeds;
    mean.seen.memorization += one.seen.memorization / seeds;
    mean.seen.memorization_ratio += one.seen.memorization_ratio / seeds;
    mean.seen.overlap += one.seen.overlap / seeds;
    mean.seen.overlap_halves += one.seen.overlap_halves / seeds;
    mean.seen.divergence += one.seen.divergence / seeds;
    mean.seen.levels.resize(one.seen.levels.size());
    for (std::size_t k = 0; k < one.seen.levels.size(); ++k) {
      mean.seen.levels[k].gap += one.seen.levels[k].gap / seeds;
      mean.seen.levels[k].cosine += one.seen.levels[k].cosine / seeds;
      mean.seen.levels[k].test_mse += one.seen.levels[k].test_mse / seeds;
      mean.seen.levels[k].train_mse += one.seen.levels[k].train_mse / seeds;
    }
  }
  return mean;
}

void check_agreement(const SplitComparison& mean, double tolerance) {
  CHECK(mean.seen.similarity == Approx(mean.theory.similarity).epsilon(tolerance));
  for (std::size_t k = 0; k < mean.seen.levels.size(); ++k) {
    const SplitDenoisers &seen = mean.seen.levels[k], &theory = mean.theory.levels[k];
    CHECK(seen.gap == Approx(theory.gap).epsilon(tolerance));
    CHECK(seen.cosine == Approx(theory.cosine).epsilon(tolerance));
    CHECK(seen.test_mse == Approx(theory.test_mse).epsilon(tolerance));
    CHECK(seen.train_mse == Approx(theory.train_mse).epsilon(tolerance));
  }
}

TEST_CASE("split report: identity plus spike agrees with theory to 2 %, memorisation and overlap too") {
  const auto law = diagonal_law(spiked(200, 4), 0);
  SplitSettings settings;
  settings.sigmas = {0.3, 1};
  for (const std::int64_t n : {100, 200}) {
    CAPTURE(n);
    const SplitComparison mean = mean_comparison(*law, n, settings, 8);
    check_agreement(mean, 0.02);
    CHECK(mean.seen.memorization == Approx(mean.theory.memorization).epsilon(0.02));
    CHECK(mean.seen.memorization_ratio == Approx(mean.theory.memorization_ratio).epsilon(0.02));
    // sqrt(1 + d / n), but for the spike, and the mean.
    CHECK(mean.theory.memorization_ratio == Approx(std::sqrt(1 + 200.0 / static_cast<double>(n))).epsilon(0.02));
    CHECK(mean.seen.overlap == Approx(mean.theory.overlap).epsilon(0.05));
    CHECK(mean.seen.overlap_halves == Approx(mean.theory.overlap_halves).epsilon(0.1));
    CHECK(mean.theory.similarity == Approx(white_similarity(static_cast<double>(n) / 200)).epsilon(0.02));
  }
}

TEST_CASE("split report: the divergence from the known law has its exact mean at any n") {
  const auto law = diagonal_law(power_law(20, 1), 1);
  SplitSettings settings;
  settings.draws = 1;
  for (const std::int64_t n : {30, 200}) {
    CAPTURE(n);
    const SplitComparison mean = mean_comparison(*law, n, settings, 100);
    CHECK(mean.seen.divergence == Approx(mean.theory.divergence).epsilon(0.02));
  }
  CHECK(std::isinf(mean_comparison(*law, 20, settings, 1).seen.divergence));
  CHECK(std::isinf(mean_comparison(*law, 20, settings, 1).theory.divergence));
}

TEST_CASE("split report: power laws agree with theory to 2 %" * doctest::test_suite("long")) {
  SplitSettings settings;
  settings.draws = 1;
  for (const double exponent : {0.5, 1.0, 1.5, 2.0}) {
    const auto law = diagonal_law(power_law(200, exponent), 0);
    const Vector& lambda = law->eigenvalues();
    const double rms = std::sqrt(std::accumulate(lambda.begin(), lambda.end(), 0.0) / 200);
    settings.sigmas = {0.1 * rms, rms};
    for (const std::int64_t n : {50, 100, 200, 400}) {
      CAPTURE(exponent);
      CAPTURE(n);
      check_agreement(mean_comparison(*law, n, settings, n < 200 ? 48 : 24), 0.02);
    }
  }
}

TEST_CASE("split report: the spectrum that the data tell of predicts as the law itself does") {
  const auto law = diagonal_law(power_law(100, 1), 3);
  const SampleRows rows = drawn(*law, 600, 90);
  const SplitReport blind(rows, nullptr), knowing(rows, law.get());
  SplitSettings settings;
  settings.sigmas = {0.1};
  settings.draws = 2;
  CHECK(blind.most() == 200);
  CHECK(knowing.most() == 300);
  CHECK(*blind.oracle(0.1) == Approx(*knowing.oracle(0.1)).epsilon(0.02));
  const SplitFigures a = blind.compare(100, settings).theory, b = knowing.compare(100, settings).theory;
  CHECK(a.similarity == Approx(b.similarity).epsilon(0.02));
  CHECK(a.levels[0].gap == Approx(b.levels[0].gap).epsilon(0.02));
  CHECK(a.levels[0].test_mse == Approx(b.levels[0].test_mse).epsilon(0.02));
  CHECK_THROWS_AS(SplitReport(drawn(*diagonal_law({1, 1}, 0), 30, 1), law.get()), DataError);
}

}  // namespace

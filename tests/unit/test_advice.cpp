#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/shrinkage.hpp"
#include "random/random.hpp"
#include "report/advice.hpp"

using namespace noiseutils;
using doctest::Approx;

namespace {

SampleRows normal_rows(std::int64_t count, std::int64_t dim, double mean) {
  SampleRows rows{count, dim, std::vector<double>(static_cast<std::size_t>(count * dim))};
  fill_normal({33, Purpose::probe, 0, 0}, 0, std::span<double>(rows.values));
  for (double& value : rows.values) value += mean;
  return rows;
}

const ShrinkageError& error_of(const std::vector<ShrinkageError>& errors, const std::string& name) {
  return *std::find_if(errors.begin(), errors.end(), [&](const auto& error) { return error.shrinker == name; });
}

TEST_CASE("shrinkage errors: leaving one out, by dense matrices") {
  constexpr double t = 0.25;
  for (const std::int64_t n : {6, 20}) {  // dimensions: 9
    CAPTURE(n);
    const SampleRows rows = normal_rows(n, 9, 0.5);
    const Eigen::Map<const Eigen::MatrixXd> x(rows.values.data(), 9, n);
    double expected = 0;
    for (Eigen::Index held = 0; held < n; ++held) {
      Eigen::MatrixXd others(9, n - 1);
      for (Eigen::Index i = 0, to = 0; i < n; ++i)
        if (i != held) others.col(to++) = x.col(i);
      const Eigen::VectorXd mean = others.rowwise().mean();
      const Eigen::MatrixXd centred = others.colwise() - mean;
      const Eigen::MatrixXd s = centred * centred.transpose() / static_cast<double>(n - 1);  // none: over the count
      const Eigen::MatrixXd w = s * (s + t * Eigen::MatrixXd::Identity(9, 9)).inverse();
      const Eigen::VectorXd z = x.col(held) - mean;
      expected += ((w * z - z).squaredNorm() + t * w.squaredNorm()) / (9 * static_cast<double>(n));
    }
    const std::vector<double> sigmas = {std::sqrt(t)};
    const auto errors = shrinkage_errors(rows, sigmas, n, 0);
    CHECK(errors.size() == shrinkers().size());
    CHECK(error_of(errors, "none").mse[0] == Approx(expected).epsilon(1e-9));
    // White data: drawn to their mean they are denoised better.
    CHECK(error_of(errors, "oas").mse[0] < error_of(errors, "none").mse[0]);
  }
}

TEST_CASE("learned spectrum: all variance and all of the mean, with fewer samples than dimensions too") {
  for (const std::int64_t n : {6, 20})
    for (const char* how : {"none", "oas"}) {
      const SampleRows rows = normal_rows(n, 9, 0.5);
      const Eigen::Map<const Eigen::MatrixXd> x(rows.values.data(), 9, n);
      const Eigen::VectorXd mean = x.rowwise().mean();
      const double trace =
          (x.colwise() - mean).squaredNorm() / static_cast<double>(std::string(how) == "none" ? n : n - 1);
      const Spectrum spectrum = learned_spectrum(rows, how);
      double directions = 0, variance = 0, square = 0;
      for (std::size_t k = 0; k < spectrum.lambda.size(); ++k) {
        directions += spectrum.multiplicity[k];
        variance += spectrum.multiplicity[k] * spectrum.lambda[k];
        square += spectrum.mean_square[k];
      }
      CHECK(directions == 9);
      CHECK(variance == Approx(trace).epsilon(1e-10));
      CHECK(square == Approx(mean.squaredNorm()).epsilon(1e-10));
    }
}

TEST_CASE("start error: of the mean, and of the variance that the start lacks") {
  // E x = (1 - f) mu, Var x = f^2 s0^2, f = sqrt(lambda / (lambda + s0^2)), s0 = 80.
  const double lambda = 100, f = std::sqrt(lambda / (lambda + 6400));
  CHECK(start_error({{lambda}, {1}, {9}}) == Approx(std::hypot(3 * f, 10 - 80 * f)).epsilon(1e-12));
}

TEST_CASE("sampler advice: errors fall with steps, and cost what the sampler says") {
  const auto advice = sampler_advice({{4, 1, 0.01}, {1, 2, 6}, {0, 0, 0}});
  const auto at = [&](const std::string& name, std::int64_t steps) {
    return *std::find_if(advice.begin(), advice.end(),
                         [&](const auto& row) { return row.sampler == name && row.steps == steps; });
  };
  CHECK(at("ddim", 20).calls == 20);
  CHECK(at("heun", 20).calls == 39);  // the last step, to sigma 0, is Euler's
  for (const char* name : {"ddim", "heun", "dpmpp-2m", "ddpm"}) {
    CHECK(at(name, 20).w2 < at(name, 10).w2);
    CHECK(at(name, 50).w2 < at(name, 20).w2);
  }
}

}  // namespace

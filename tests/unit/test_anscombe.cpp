#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "estimate/anscombe.hpp"

namespace noiseutils {
namespace {

/// E[f | lambda] by brute force: Poisson sum, and Simpson's rule with steps so fine that the kink does not matter.
double brute_force(double lambda, double sigma) {
  constexpr int kSteps = 40000;
  double weight = std::exp(-lambda), sum = 0;
  for (int n = 0; n < 60; ++n) {
    double inner = 0;
    for (int i = 0; i <= kSteps; ++i) {
      const double t = -9 + 18.0 * i / kSteps;
      const double root = 2 * std::sqrt(std::max(0.0, n + sigma * t + 0.375 + sigma * sigma));
      inner += (i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2) * root * std::exp(-t * t / 2);
    }
    sum += weight * inner * 18.0 / kSteps / 3 / std::sqrt(2 * 3.14159265358979323846);
    weight *= lambda / (n + 1);
  }
  return sum;
}

TEST_CASE("anscombe: the transform and its algebraic inverse") {
  const CameraNoise noise{2, 3, 10};
  // (2 / 2) sqrt(2 (20 - 10) + 3/8 4 + 9)
  CHECK(anscombe(20, noise) == doctest::Approx(std::sqrt(30.5)));
  CHECK(algebraic_inverse_anscombe(anscombe(20, noise), noise) == doctest::Approx(20));
  CHECK(anscombe(-100, noise) == 0);
  CHECK_THROWS_AS(anscombe(1, {0, 1, 0}), UsageError);
  CHECK_THROWS_AS(anscombe(1, {1, -1, 0}), UsageError);
  CHECK_THROWS_AS(ExactInverseAnscombe({1, NAN, 0}), UsageError);
}

TEST_CASE("anscombe: the expectation of the transform, against a Poisson sum and fine quadrature") {
  // No read noise: sums of 2 sqrt(n + 3/8) over the Poisson law.
  for (const double lambda : {0.5, 1.0, 2.0, 5.0, 20.0}) {
    double sum = 0, weight = std::exp(-lambda);
    for (int n = 0; n < 150; ++n) {
      sum += weight * 2 * std::sqrt(n + 0.375);
      weight *= lambda / (n + 1);
    }
    CHECK(expected_anscombe(lambda, 0) == doctest::Approx(sum).epsilon(1e-12));
  }
  CHECK(expected_anscombe(0, 0) == doctest::Approx(2 * std::sqrt(0.375)));
  for (const double lambda : {0.0, 1.0, 5.0}) {
    CHECK(expected_anscombe(lambda, 1) == doctest::Approx(brute_force(lambda, 1)).epsilon(1e-6));
    CHECK(expected_anscombe(lambda, 0.05) == doctest::Approx(brute_force(lambda, 0.05)).epsilon(1e-6));
  }
  CHECK(expected_anscombe(3, 8) == doctest::Approx(brute_force(3, 8)).epsilon(1e-6));
}

TEST_CASE("anscombe: the closed form is the value of its polynomial, and close to the exact inverse") {
  CHECK(closed_form_inverse_anscombe(2, 0) ==
        doctest::Approx(1 + std::sqrt(1.5) / 8 - 11.0 / 32 + 5 * std::sqrt(1.5) / 64 - 0.125));
  CHECK(closed_form_inverse_anscombe(1, 0) == 0);
  // Makitalo and Foi: within a few hundredths of a count everywhere.
  for (const double lambda : {0.5, 1.0, 2.0, 5.0, 20.0, 100.0})
    CHECK(closed_form_inverse_anscombe(expected_anscombe(lambda, 0), 0) == doctest::Approx(lambda).epsilon(0.004));
  CHECK(std::abs(closed_form_inverse_anscombe(expected_anscombe(1, 1), 1) - 1) < 0.05);
}

TEST_CASE("anscombe: the exact inverse undoes the expectation, in any units") {
  for (const double sigma : {0.0, 0.1, 1.0, 4.0}) {
    const CameraNoise noise{0.25, 0.25 * sigma, 7};
    const ExactInverseAnscombe inverse(noise);
    for (const double lambda : {0.0, 0.003, 0.1, 0.7, 3.3, 17.0, 123.0, 900.0}) {
      const double back = (inverse(expected_anscombe(lambda, sigma)) - noise.offset) / noise.gain;
      CHECK(std::abs(back - lambda) < 2e-4 * (1 + lambda));
    }
    CHECK(inverse(0) == 7);
    // Where the table ends, at 1000 counts, the closed form goes on: it is exact to 0.01 counts there.
    const double end = expected_anscombe(1000, sigma);
    CHECK(std::abs(inverse(end * (1 + 1e-9)) - inverse(end * (1 - 1e-9))) < 0.01 * noise.gain);
  }
}

}  // namespace
}  // namespace noiseutils

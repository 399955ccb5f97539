#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "chain_helpers.hpp"
#include "sample/affine_law.hpp"

namespace noiseutils {
namespace {

const std::vector<double> kVariances = {0, 0.02, 1, 4};

AffineLaw law_of(const Sampler& sampler, const GivenOptions& options, const Schedule& schedule) {
  return affine_law({sampler, options_of(sampler, options), schedule}, kVariances);
}

TEST_CASE(
    "walk-jump: y comes to the variance lambda + sigma^2 exactly, the estimate to lambda^2 / (lambda + sigma^2)") {
  const double sigma = 0.5;
  for (const char* step : {"0.5", "1.5"}) {
    const GivenOptions options = {{"burn-in", "0"}, {"chain-steps", "1500"}, {"walk-step", step}};
    const AffineLaw noisy = law_of(walk_jump_sampler(), options, schedule_of_levels({sigma}));
    const AffineLaw clean = law_of(walk_jump_sampler(), options, schedule_of_levels({sigma, 0}));
    for (std::size_t k = 0; k < kVariances.size(); ++k) {
      const double v = kVariances[k], y = v + sigma * sigma;
      CHECK(noisy.variance(k, sigma * sigma) == doctest::Approx(y).epsilon(1e-6));
      CHECK(noisy.mean[k] == doctest::Approx(1).epsilon(1e-6));
      CHECK(std::abs(clean.variance(k, sigma * sigma) - v * v / y) < 1e-6);
    }
  }
}

TEST_CASE("walk-jump: one step by hand") {
  // lambda = 0, sigma = 1: g = mu - y. delta = 1, gamma = log 2, u = 1, v = 0: y stays, v = (1 + 1/2) 1/2 (mu - y) +
  // sqrt(3)/2 z, y + v/2 = 5/8 y + 3/8 mu + sqrt(3)/4 z.
  const AffineLaw law =
      law_of(walk_jump_sampler(),
             {{"burn-in", "0"}, {"chain-steps", "1"}, {"walk-step", "1"}, {"friction", "0.69314718055994531"}},
             schedule_of_levels({1}));
  CHECK(law.start[0] == doctest::Approx(0.625).epsilon(1e-14));
  CHECK(law.mean[0] == doctest::Approx(0.375).epsilon(1e-14));
  CHECK(law.noise[0][0] == doctest::Approx(std::sqrt(3.0) / 4).epsilon(1e-14));
}

TEST_CASE("walk-jump: a step that does not stay bounded is refused") {
  CHECK_THROWS_AS(law_of(walk_jump_sampler(), {{"walk-step", "2"}}, schedule_of_levels({1})), UsageError);
  CHECK_THROWS_AS(law_of(walk_jump_sampler(), {{"inverse-mass", "16"}}, schedule_of_levels({1})), UsageError);
}

TEST_CASE(
    "log-concave chain: equal measurements leave noise sigma^2 / M, whose estimate has lambda^2 / (lambda + sigma^2 / "
    "M)") {
  const double sigma = 1;
  for (const int m : {1, 2, 4}) {
    const GivenOptions options = {{"measurements", std::to_string(m)}, {"walk-steps", "400"}};
    const AffineLaw mean = law_of(log_concave_chain_sampler(), options, schedule_of_levels({sigma}));
    const AffineLaw clean = law_of(log_concave_chain_sampler(), options, schedule_of_levels({sigma, 0}));
    for (std::size_t k = 0; k < kVariances.size(); ++k) {
      const double v = kVariances[k], left = sigma * sigma / m;
      CHECK(mean.variance(k, sigma * sigma) == doctest::Approx(v + left).epsilon(1e-6));
      CHECK(std::abs(clean.variance(k, sigma * sigma) - v * v / (v + left)) < 1e-6);
      CHECK(mean.mean[k] == doctest::Approx(1).epsilon(1e-6));
    }
  }
}

TEST_CASE("log-concave chain: along a schedule the mean of the measurements has the law of each level") {
  const std::vector<double> levels = {2, 1.2, 0.7, 0.6};
  for (std::size_t n = 1; n <= levels.size(); ++n) {
    const AffineLaw law = law_of(log_concave_chain_sampler(), {{"walk-steps", "400"}},
                                 schedule_of_levels({levels.begin(), levels.begin() + static_cast<std::ptrdiff_t>(n)}));
    for (std::size_t k = 0; k < kVariances.size(); ++k)
      CHECK(law.variance(k, 4) == doctest::Approx(kVariances[k] + levels[n - 1] * levels[n - 1]).epsilon(1e-5));
  }
}

}  // namespace
}  // namespace noiseutils

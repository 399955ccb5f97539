#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "chain_helpers.hpp"
#include "mixture_examples.hpp"
#include "small_law.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

/// How often each of ten levels is the one held after 150 steps, over many samples.
std::vector<double> levels_held(const Model& model, const GivenOptions& more, std::size_t count) {
  GivenOptions options = {{"burn-in", "150"}, {"chain-steps", "1"}, {"levels", "10"}};
  options.insert(options.end(), more.begin(), more.end());
  const auto result =
      run_from(model, dmcmc_sampler(), options, schedule_of_levels({1, 0.1}), noisy_draws(model, 1, count, 1));
  std::map<double, double> held;
  for (const SampleFacts& own : result.facts) held[own.at("kept-sigma")] += 1;
  std::vector<double> counts;
  for (const auto& entry : held) counts.push_back(entry.second);
  return counts;
}

double chi_square(const std::vector<double>& counts, double total) {
  double sum = 0;
  for (const double c : counts) sum += (c - total / 10) * (c - total / 10) / (total / 10);
  return sum + static_cast<double>(10 - counts.size()) * total / 10;
}

TEST_CASE("dmcmc: the marginal of the noise level is its prior, whatever the step") {
  const SmallLaw law(2, {0.3}, 0);
  for (const char* step : {"0.1", "0.6"}) {
    const auto held = levels_held(law, {{"step-size", step}}, 1500);
    CHECK(test::chi_square_p(chi_square(held, 1500), 9) > 1e-3);
  }
}

TEST_CASE("dmcmc: without the Metropolis test the level drifts upwards") {
  // A point mass, a step of 0.4 of its variance (R = 0.2); the more dimensions, the clearer is the wider state read.
  const SmallLaw point(16, {}, 0);
  const auto held = levels_held(point, {{"step-size", "0.2"}, {"langevin", "ula"}}, 1000);
  CHECK(test::chi_square_p(chi_square(held, 1000), 9) < 1e-6);
  double low = 0, high = 0;
  for (std::size_t l = 0; l < held.size(); ++l) (2 * l < held.size() ? low : high) += held[l];
  CHECK(high > 1.3 * low);
}

TEST_CASE("dmcmc: kept states are draws of p_s, which the solver takes to the law of the last level") {
  // One counted step, so that the state is not chosen by its level. The flow takes p_s to the law of the last level;
  // with 200 steps of Heun's method its error is far below the standard error.
  const std::size_t count = 2000;
  const SmallLaw law(1, {0.3}, 0);
  std::vector<double> levels;
  for (int i = 0; i <= 200; ++i) levels.push_back(std::pow(0.1, i / 200.0));
  const auto result = run_from(law, dmcmc_sampler(), {{"burn-in", "150"}, {"chain-steps", "1"}, {"levels", "20"}},
                               schedule_of_levels(levels), noisy_draws(law, 1, count, 3));
  std::vector<double> u;
  for (const double x : result.x) u.push_back(normal_cdf((x - law.mean()[0]) / std::sqrt(0.3 + 0.01)));
  CHECK(test::kolmogorov_smirnov_p(u) > 1e-3);
}

TEST_CASE("dmcmc: the state of the smallest level is kept, and its calls are counted") {
  const SmallLaw law(2, {0.3}, 0);
  const auto starts = noisy_draws(law, 1, 200, 5);
  const auto one = run_from(law, dmcmc_sampler(), {{"burn-in", "40"}, {"chain-steps", "1"}, {"levels", "30"}},
                            schedule_of_levels({1, 0.5, 0.1, 0}), starts);
  const auto many = run_from(law, dmcmc_sampler(), {{"burn-in", "40"}, {"chain-steps", "50"}, {"levels", "30"}},
                             schedule_of_levels({1, 0.5, 0.1, 0}), starts);
  for (std::size_t v = 0; v < 200; ++v) {
    // The counted steps of the one are the first of the other.
    const double s = many.facts[v].at("kept-sigma");
    CHECK(s <= one.facts[v].at("kept-sigma"));
    // 2 + 2 calls down, 90 steps of 2, and from s on 2 each but for the last estimate.
    CHECK(many.facts[v].at("nfe") == 4 + 180 + (s > 0.5 ? 2 : 0) + (s > 0.1 ? 2 : 0) + 1);
  }
}

}  // namespace
}  // namespace noiseutils

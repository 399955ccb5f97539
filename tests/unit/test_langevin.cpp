#include <doctest/doctest.h>

#include <cmath>

#include "chain_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/affine_law.hpp"
#include "small_law.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

const std::vector<double> kVariances = {0, 0.02, 0.3, 4};

AffineLaw ula_law(const GivenOptions& options, const Schedule& schedule) {
  const Sampler sampler = ula_sampler();
  return affine_law({sampler, options_of(sampler, options), schedule}, kVariances);
}

TEST_CASE("ula: the variance goes by V <- (1 - epsilon / V_s)^2 V + 2 epsilon at every level") {
  const AffineLaw law =
      ula_law({{"burn-in", "3"}, {"chain-steps", "5"}, {"step-size", "0.4"}}, schedule_of_levels({2, 0.7, 0.1, 0}));
  for (std::size_t k = 0; k < kVariances.size(); ++k) {
    double variance = 4;
    const auto steps = [&](double s, int n) {
      const double epsilon = 0.4 * s * s, gain = 1 - epsilon / (kVariances[k] + s * s);
      for (int i = 0; i < n; ++i) variance = gain * gain * variance + 2 * epsilon;
    };
    steps(2, 3);
    steps(0.7, 3);
    steps(0.1, 8);
    const double wiener = kVariances[k] / (kVariances[k] + 0.01);  // the jump to s = 0
    CHECK(law.variance(k, 4) == doctest::Approx(wiener * wiener * variance).epsilon(1e-12));
  }
}

TEST_CASE("ula: the law it comes to has variance V / (1 - epsilon / (2 V)), and the mean of the data") {
  for (const double rate : {0.05, 0.5, 1.5}) {
    const AffineLaw law = ula_law({{"burn-in", "0"}, {"chain-steps", "1500"}, {"step-size", std::to_string(rate)}},
                                  schedule_of_levels({1.5}));
    for (std::size_t k = 0; k < kVariances.size(); ++k) {
      const double epsilon = rate * 2.25, v = kVariances[k] + 2.25;
      CHECK(law.variance(k, 2.25) == doctest::Approx(v / (1 - epsilon / (2 * v))).epsilon(1e-9));
      CHECK(law.mean[k] == doctest::Approx(1).epsilon(1e-9));
    }
  }
}

TEST_CASE("ula: the sample does not depend on --chains, calls do; --keep-noise leaves the jump out") {
  const SmallLaw law(4, {2, 0.3}, 0.05);
  const Schedule schedule = schedule_of_levels({1, 0.2, 0});
  const auto starts = probe_normals(4 * 6, 1);
  const auto run = [&](GivenOptions options) {
    options.insert(options.end(), {{"burn-in", "4"}, {"chain-steps", "40"}});
    return run_from(law, ula_sampler(), options, schedule, starts);
  };
  const ChainResult one = run({}), three = run({{"chains", "3"}}), noisy = run({{"keep-noise", "true"}});
  CHECK(one.x == three.x);
  CHECK(one.facts[0].at("rhat") != three.facts[0].at("rhat"));
  std::vector<double> jumped(noisy.x.size());
  law.denoise(0.2, std::span<const double>(noisy.x), std::span<double>(jumped));
  CHECK(largest_difference(jumped, one.x) < 1e-14);
  const Sampler sampler = ula_sampler();
  const SamplingPlan plan{sampler, options_of(sampler, {{"chains", "3"}}), schedule};
  CHECK(denoiser_calls(plan) == 3 * (20 + 120) + 1);
}

TEST_CASE("mala: the law is invariant at a step where that of ula is far off") {
  // Starts are draws of p_s; so must be what 30 steps make of them. At epsilon = s^2 ula has variance up to 2 V.
  const double s = 0.8;
  const MixtureModel mixture = plane_mixture({0.3, 0.7}, {-1, 0, 1.5, 0.5}, {{0.2, 0.1, 0.1, 0.4}, {0.05, 0, 0, 0.3}});
  const std::size_t count = 20000;
  const ChainResult result =
      run_from(mixture, mala_sampler(), {{"burn-in", "0"}, {"chain-steps", "30"}, {"step-size", "1"}},
               schedule_of_levels({s, s}), noisy_draws(mixture, s, count, 3));
  // The law of coordinate 0.
  std::vector<double> u;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = result.x[2 * i], t = s * s;
    u.push_back(0.3 * normal_cdf((x + 1) / std::sqrt(0.2 + t)) + 0.7 * normal_cdf((x - 1.5) / std::sqrt(0.05 + t)));
  }
  CHECK(mean_fact(result.facts, "acceptance") > 0.3);
  CHECK(mean_fact(result.facts, "acceptance") < 0.95);
  CHECK(test::kolmogorov_smirnov_p(u) > 1e-3);
}

/// E min(1, exp(h/8 (x^2 - y^2))) for y = (1 - h/2) x + sqrt(h) z, x and z standard normal: what the acceptance
/// probability of mala comes to for a Gaussian of variance V and h = 2 epsilon / V, by the midpoint rule.
double mala_acceptance(double h) {
  const int n = 800;
  const double reach = 8, width = 2 * reach / n;
  double sum = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double x = -reach + (i + 0.5) * width, z = -reach + (j + 0.5) * width;
      const double y = (1 - h / 2) * x + std::sqrt(h) * z;
      sum += std::exp(-(x * x + z * z) / 2) * std::min(1.0, std::exp(h / 8 * (x * x - y * y)));
    }
  return sum * width * width / (2 * M_PI);
}

TEST_CASE("mala: acceptance in one dimension equals its integral") {
  const double lambda = 0.5, s = 1;
  const SmallLaw law(1, {lambda}, 0);
  for (const double rate : {0.3, 1.5}) {
    const std::size_t count = 4000;
    const ChainResult result =
        run_from(law, mala_sampler(), {{"burn-in", "0"}, {"chain-steps", "50"}, {"step-size", std::to_string(rate)}},
                 schedule_of_levels({s, s}), noisy_draws(law, s, count, 5));
    const double expected = mala_acceptance(2 * rate * s * s / (lambda + s * s));
    double square = 0;
    const double mean = mean_fact(result.facts, "acceptance");
    for (const SampleFacts& own : result.facts) square += std::pow(own.at("acceptance") - mean, 2);
    const double n = static_cast<double>(count);
    CHECK(std::abs(mean - expected) < 4.5 * std::sqrt(square / (n - 1) / n) + 1e-6);
  }
}

TEST_CASE("mala: diagnostics see a chain that has not mixed, and one that has") {
  const SmallLaw law(2, {1, 0.5}, 0);
  const auto diagnosed = [&](const std::string& steps) {
    return run_from(law, mala_sampler(), {{"burn-in", "0"}, {"chain-steps", steps}, {"chains", "4"}},
                    schedule_of_levels({1, 0.9}), noisy_draws(law, 1, 8, 7));
  };
  CHECK(mean_fact(diagnosed("10").facts, "rhat") > 1.2);
  const ChainResult mixed = diagnosed("4000");
  CHECK(mean_fact(mixed.facts, "rhat") < 1.02);
  // The slowest that is followed is the sum: along its directions autocorrelation is (1 - epsilon / V)^t at most, and
  // tau up to 2 V / epsilon = 2 (1 + .81) / .081 = 45; over 4 chains of 4000 steps 16000 / 45 = 356. Half to twice.
  CHECK(mean_fact(mixed.facts, "ess") > 170);
  CHECK(mean_fact(mixed.facts, "ess") < 1400);
}

}  // namespace
}  // namespace noiseutils

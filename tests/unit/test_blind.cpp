#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "chain_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/level_posterior.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

std::vector<double> log_uniform(double from, double to, std::size_t count) {
  std::vector<double> s;
  for (std::size_t l = 0; l < count; ++l)
    s.push_back(from * std::pow(to / from, static_cast<double>(l) / static_cast<double>(count - 1)));
  return s;
}

TEST_CASE("level posterior: of a single point, std(s | x) / s = 1 / sqrt(2 d)") {
  // To the next order: with |x|^2 = q the density of u = log s is s^-d exp(-q / (2 s^2)), so 1 / s^2 is Gamma(d/2) and
  // std(s | x) / E[s | x] follows from E[s^p] = (q/2)^(p/2) Gamma((d - p)/2) / Gamma(d/2).
  for (const std::int64_t d : {16, 256}) {
    const SmallLaw point(d, {}, 0);
    const LevelPosterior posterior(point, log_uniform(0.05, 20, 4000));
    std::vector<double> x = probe_normals(static_cast<std::size_t>(d), 1);
    for (std::size_t e = 0; e < x.size(); ++e) x[e] += point.mean()[e];
    const std::vector<double> p = posterior.probabilities<double>(x);
    double mean = 0, square = 0;
    for (std::size_t l = 0; l < p.size(); ++l) {
      mean += p[l] * posterior.levels()[l];
      square += p[l] * posterior.levels()[l] * posterior.levels()[l];
    }
    const double spread = std::sqrt(square - mean * mean) / mean, n = static_cast<double>(d);
    const double first = std::lgamma((n - 1) / 2), second = std::lgamma((n - 2) / 2), none = std::lgamma(n / 2);
    CHECK(spread == doctest::Approx(std::sqrt(std::exp(second + none - 2 * first) - 1)).epsilon(1e-6));
    CHECK(spread == doctest::Approx(1 / std::sqrt(2 * n)).epsilon(2 / n));
  }
}

TEST_CASE("level posterior: the short way of Gaussian laws agrees with their log densities, in float too") {
  const SmallLaw law(9, {3, 0.5, 0.01}, 0.002);
  const std::vector<double> levels = {2, 0.3, 0.01};
  const LevelPosterior posterior(law, levels);
  const std::vector<double> x = probe_normals(9 * 5, 2);
  const std::vector<double> all = posterior.log_densities<double>(x);
  for (std::size_t l = 1; l < levels.size(); ++l) {
    const auto here = law.log_density(levels[l], std::span<const double>(x));
    const auto there = law.log_density(levels[0], std::span<const double>(x));
    for (std::size_t v = 0; v < 5; ++v)
      CHECK(all[v * 3 + l] - all[v * 3] == doctest::Approx(here[v] - there[v]).epsilon(1e-9));
  }
  const std::vector<float> single(x.begin(), x.end());
  const std::vector<double> rounded(single.begin(), single.end());
  CHECK(posterior.log_densities<float>(single) == posterior.log_densities<double>(rounded));
}

TEST_CASE("blind: with one level it is DDIM; the calls of a sample are its own") {
  const SmallLaw law(6, {1, 0.3}, 0.05);
  const auto starts = probe_normals(6 * 4, 3);
  const auto one = run_from(law, blind_sampler(), {}, schedule_of_levels({2, 0}), starts);
  const auto ddim = run_from(law, ddim_sampler(), {}, schedule_of_levels({2, 0}), starts);
  CHECK(largest_difference(one.x, ddim.x) < 1e-14);
  CHECK(one.facts[0].at("nfe") == 1);
  CHECK(one.facts[0].at("estimated-sigma") == 2);
}

TEST_CASE("blind: D is the posterior mean over x and s together") {
  // Law N(mu, v) in each element, levels a and b: Dbar = sum p D, with p from normal densities of variance v + s^2.
  const double v = 0.4, a = 1.5, b = 0.5;
  const SmallLaw law(3, {}, v);
  const std::vector<double> x = {0.4, -0.9, 1.1};
  const auto result = run_from(law, blind_sampler(), {}, schedule_of_levels({a, b}), x).x;
  double square = 0;
  for (std::size_t e = 0; e < 3; ++e) square += std::pow(x[e] - law.mean()[e], 2);
  const auto density = [&](double s) { return std::pow(v + s * s, -1.5) * std::exp(-square / (2 * (v + s * s))); };
  const double at_a = density(a) / (density(a) + density(b));
  for (std::size_t e = 0; e < 3; ++e) {
    const double gain = at_a * v / (v + a * a) + (1 - at_a) * v / (v + b * b);
    const double mean = law.mean()[e] + gain * (x[e] - law.mean()[e]);
    CHECK(result[e] == doctest::Approx((1 - b / a) * mean + b / a * x[e]).epsilon(1e-12));
  }
}

TEST_CASE("blind: in many dimensions it comes as near to the data as the denoiser that is told the level") {
  // A few points far apart, d = 64: the level is known to 9 %, and both end at the points.
  const MixtureModel points = random_mixture(64, {1, 1, 1, 1}, {1e-6, 1e-6, 1e-6, 1e-6}, 3);
  const Schedule schedule = make_schedule(karras_schedule(), 30, {{"sigma-min", 0.01}, {"sigma-max", 40}, {"rho", 7}});
  std::vector<double> starts = probe_normals(64 * 40, 5);
  for (double& value : starts) value *= 40;
  const auto told = run_from(points, ddim_sampler(), {}, schedule, starts);
  const auto blind = run_from(points, blind_sampler(), {}, schedule, starts);
  double log_told = 0, log_blind = 0;
  for (const double value : points.log_density(0.05, std::span<const double>(told.x))) log_told += value;
  for (const double value : points.log_density(0.05, std::span<const double>(blind.x))) log_blind += value;
  // One component's log density varies by sqrt(d / 2) = 6 between its own draws; the mean of 40 by 0.9.
  CHECK(std::abs(log_told - log_blind) / 40 < 4 * std::sqrt(32.0 / 40));
}

}  // namespace
}  // namespace noiseutils

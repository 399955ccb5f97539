#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "chain_helpers.hpp"
#include "sample/proximal.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

struct Moments {
  double mean = 0, absolute = 0, square = 0;
};

/// Of a density on a grid.
Moments moments_of(const std::vector<double>& x, const std::vector<double>& density) {
  const double total = std::accumulate(density.begin(), density.end(), 0.0);
  Moments m;
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.mean += density[i] / total * x[i];
    m.absolute += density[i] / total * std::abs(x[i]);
    m.square += density[i] / total * x[i] * x[i];
  }
  return m;
}

/// p(x) ~ exp(-(x - mu)^2 / (2 V) - w |x|) in one dimension, and the chain's own law, which differs by the step and by
/// the envelope: the fixed point of its transition density on a grid.
struct LaplacePrior {
  double mu, v, w;
  std::vector<double> grid = std::vector<double>(400);

  LaplacePrior(double mean, double variance, double weight) : mu(mean), v(variance), w(weight) {
    for (std::size_t i = 0; i < grid.size(); ++i) grid[i] = -5 + 10 * static_cast<double>(i) / 399;
  }
  Moments exact() const {
    std::vector<double> p;
    for (const double x : grid) p.push_back(std::exp(-(x - mu) * (x - mu) / (2 * v) - w * std::abs(x)));
    return moments_of(grid, p);
  }
  Moments of_chain(double epsilon, double gamma, int steps) const {
    std::vector<std::vector<double>> transitions;
    for (const double x : grid) {
      const double shrunk = x > gamma * w ? x - gamma * w : x < -gamma * w ? x + gamma * w : 0;
      const double moved = x - epsilon * (x - mu) / v - epsilon * (x - shrunk) / gamma;
      std::vector<double> to;
      for (const double y : grid) to.push_back(std::exp(-(y - moved) * (y - moved) / (4 * epsilon)));
      transitions.push_back(std::move(to));
    }
    std::vector<double> p(grid.size(), 1.0), next(grid.size());
    for (int n = 0; n < steps; ++n) {
      std::fill(next.begin(), next.end(), 0.0);
      for (std::size_t i = 0; i < grid.size(); ++i)
        for (std::size_t j = 0; j < grid.size(); ++j) next[j] += p[i] * transitions[i][j];
      const double total = std::accumulate(next.begin(), next.end(), 0.0);
      for (std::size_t j = 0; j < p.size(); ++j) p[j] = next[j] / total;
    }
    return moments_of(grid, p);
  }
};

TEST_CASE("proximal maps minimise t g(x) + (x - v)^2 / 2") {
  const auto g = [](const std::string& name, double x) {
    if (name == "l1") return std::abs(x);
    if (name == "square") return x * x / 2;
    if (name == "nonnegative") return x >= 0 ? 0.0 : 1e9;
    return x >= 0 && x <= 1 ? 0.0 : 1e9;
  };
  for (const ProximalTerm& term : proximal_terms())
    for (const double v : {-2.0, -0.3, 0.0, 0.4, 0.9, 3.0})
      for (const double t : {0.1, 0.5, 2.0}) {
        const double at = term.prox(v, t), value = t * g(term.name, at) + (at - v) * (at - v) / 2;
        bool least = true;
        for (double x = -3; x <= 3.5; x += 0.001)
          least = least && value <= t * g(term.name, x) + (x - v) * (x - v) / 2 + 1e-12;
        CHECK(least);
      }
}

TEST_CASE("myula: a Gaussian law times a Laplace prior has the moments of the quadrature") {
  const double lambda = 0.5, s = 0.5, w = 1.5, rate = 0.1, smoothing = 0.4;
  const SmallLaw law(1, {lambda}, 0);
  const LaplacePrior oracle(law.mean()[0], lambda + s * s, w);
  const Moments exact = oracle.exact(), chain = oracle.of_chain(rate * s * s, smoothing * s * s, 250);
  const std::size_t count = 8000;
  const auto x = run_from(law, myula_sampler(),
                          {{"burn-in", "0"},
                           {"chain-steps", "250"},
                           {"step-size", "0.1"},
                           {"smoothing", "0.4"},
                           {"prior-weight", "1.5"}},
                          schedule_of_levels({s, s}), noisy_draws(law, s, count, 1))
                     .x;
  Moments got, fourth;
  for (const double value : x) {
    got.mean += value / static_cast<double>(count);
    got.absolute += std::abs(value) / static_cast<double>(count);
    got.square += value * value / static_cast<double>(count);
    fourth.square += value * value * value * value / static_cast<double>(count);
  }
  // Against the law of the chain itself: Monte Carlo error alone.
  const double n = static_cast<double>(count);
  CHECK(std::abs(got.mean - chain.mean) < 4.5 * std::sqrt((chain.square - chain.mean * chain.mean) / n));
  CHECK(std::abs(got.absolute - chain.absolute) <
        4.5 * std::sqrt((chain.square - chain.absolute * chain.absolute) / n));
  CHECK(std::abs(got.square - chain.square) < 4.5 * std::sqrt((fourth.square - chain.square * chain.square) / n));
  // And that law is near the one that was meant: by the envelope densities change by a factor of at most
  // exp(gamma w^2 / 2) = 1.12, by the step variances by epsilon / (2 V) = 2 %.
  CHECK(std::abs(chain.absolute - exact.absolute) < 0.12 * exact.absolute);
  CHECK(std::abs(chain.square - exact.square) < 0.14 * exact.square);
  CHECK(std::abs(exact.square - (lambda + s * s)) > 0.3);  // the prior does something
}

TEST_CASE("myula: with weight 0 it is ula; steps that do not stay bounded are refused") {
  const SmallLaw law(3, {1, 0.2}, 0.1);
  const auto starts = probe_normals(9, 4);
  const Schedule schedule = schedule_of_levels({1, 0.3});
  CHECK(largest_difference(run_from(law, myula_sampler(), {{"prior-weight", "0"}}, schedule, starts).x,
                           run_from(law, ula_sampler(), {}, schedule, starts).x) < 1e-13);
  CHECK_THROWS_AS(run_from(law, myula_sampler(), {{"step-size", "1"}}, schedule, starts), UsageError);
  CHECK_THROWS_AS(run_from(law, myula_sampler(), {{"smoothing", "0.05"}}, schedule, starts), UsageError);
}

}  // namespace
}  // namespace noiseutils

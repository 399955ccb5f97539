#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "model/empirical.hpp"
#include "sample/count_law.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

using Counts = std::vector<double>;
using Pmf = std::map<Counts, double>;

std::unique_ptr<Model> points_of(std::int64_t dim, const Counts& values) {
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {dim};
  return empirical_model(info, Tensor::of({static_cast<std::int64_t>(values.size()) / dim, dim}, values));
}

double poisson_pmf(double rate, double k) { return std::exp(k * std::log(rate) - rate - std::lgamma(k + 1)); }
double binomial_pmf(double m, double q, double k) {
  if (k > m) return 0;
  const double choose = std::exp(std::lgamma(m + 1) - std::lgamma(k + 1) - std::lgamma(m - k + 1));
  return choose * std::pow(q, k) * std::pow(1 - q, m - k);
}

/// How far the samples of a run are from a law: p-value of chi-square over the outcomes that 8 or more samples are
/// expected at, all others one more outcome; and total variation.
struct Fit {
  double p_value = 0, total_variation = 0;
};
Fit fit(const BareRun<>& run, std::int64_t steps, const Counts& start, const Pmf& pmf, std::size_t samples = 20000) {
  Counts x;
  for (std::size_t s = 0; s < samples; ++s) x.insert(x.end(), start.begin(), start.end());
  x = run(karras_levels(steps), x);
  Pmf observed;
  for (std::size_t s = 0; s < samples; ++s)
    observed[Counts(x.begin() + static_cast<std::ptrdiff_t>(s * start.size()),
                    x.begin() + static_cast<std::ptrdiff_t>((s + 1) * start.size()))] += 1;
  const double n = static_cast<double>(samples);
  double chi = 0, outcomes = 0, rest = n, rest_expected = n, common = 0;
  for (const auto& [counts, probability] : pmf) {
    const double seen = observed[counts], expected = n * probability;
    common += std::min(seen / n, probability);
    if (expected < 8) continue;
    chi += (seen - expected) * (seen - expected) / expected;
    outcomes += 1;
    rest -= seen;
    rest_expected -= expected;
  }
  if (rest_expected > 8) {
    chi += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
    outcomes += 1;
  }
  return {test::chi_square_p(chi, outcomes - 1), 1 - common};
}

Pmf of_points(const std::vector<Counts>& points) {
  Pmf pmf;
  for (const Counts& point : points) pmf[point] += 1.0 / static_cast<double>(points.size());
  return pmf;
}

TEST_CASE("counts: draws are the intervals of u that the probabilities are long") {
  const int grid = 200000;
  const auto check = [&](const CountDistribution& law, auto&& pmf, int largest) {
    std::map<double, double> seen;
    for (int i = 0; i < grid; ++i) seen[law.draw((i + 0.5) / grid)] += 1.0 / grid;
    for (int k = 0; k <= largest; ++k) CHECK(std::abs(seen[k] - pmf(k)) < 1.5 / grid);
  };
  for (const double rate : {0.01, 0.9, 7.3, 40.0})
    check(
        {true, rate, 0}, [&](double k) { return poisson_pmf(rate, k); }, 120);
  for (const double q : {0.003, 0.4, 0.97})
    for (const double m : {1.0, 9.0, 60.0})
      check(
          {false, q, m}, [&](double k) { return binomial_pmf(m, q, k); }, 60);
  CHECK(CountDistribution{true, 0, 0}.draw(0.5) == 0);
  CHECK(CountDistribution{false, 1, 5}.draw(0.5) == 5);
  CHECK(CountDistribution{false, 0.5, 0}.draw(0.5) == 0);
  CHECK(CountDistribution{false, 0, 7}.draw(0.999) == 0);
}

TEST_CASE("blackout: with n_0 drawn from its posterior the law is exact at 5 steps, and at one") {
  const auto points = points_of(2, {2, 9, 9, 2, 0, 0, 9, 2});
  const Pmf pmf = of_points({{2, 9}, {9, 2}, {0, 0}, {9, 2}});
  for (const std::int64_t steps : {1, 5})
    CHECK(fit({*points, blackout_sampler(), {{"counts", "points"}}}, steps, {0, 0}, pmf).p_value > 1e-4);
}

TEST_CASE("blackout: the approximate births of the paper are not, and get better with more steps") {
  const auto points = points_of(1, {1, 1, 4, 15});
  const Pmf pmf = of_points({{1}, {1}, {4}, {15}});
  for (const char* births : {"mean", "poisson"}) {
    std::vector<double> variation;
    for (const std::int64_t steps : {5, 20, 60})
      variation.push_back(
          fit({*points, blackout_sampler(), {{"counts", "points"}, {"births", births}}}, steps, {0}, pmf, 8000)
              .total_variation);
    CHECK(variation[0] > 0.2);
    CHECK(variation[1] < variation[0]);
    CHECK(variation[2] < variation[1]);
    CHECK(variation[2] < 0.15);
  }
}

TEST_CASE("blackout: independent Poisson counts are exact with Poisson births too, at 3 steps") {
  const auto rates = points_of(1, {6.5});
  Pmf pmf;
  for (int k = 0; k < 60; ++k) pmf[{static_cast<double>(k)}] = poisson_pmf(6.5, k);
  for (const char* births : {"posterior", "poisson"})
    CHECK(fit({*rates, blackout_sampler(), {{"births", births}}}, 3, {0}, pmf).p_value > 1e-4);
  CHECK(fit({*rates, blackout_sampler(), {{"births", "mean"}}}, 3, {0}, pmf).p_value < 1e-9);
}

TEST_CASE("blackout: mixtures of Poisson and of binomial counts are exact with posterior births") {
  const auto model = points_of(2, {1, 8, 6, 2});
  Pmf poisson, binomial;
  for (int a = 0; a < 40; ++a)
    for (int b = 0; b < 40; ++b) {
      const double x = a, y = b;
      poisson[{x, y}] = (poisson_pmf(1, x) * poisson_pmf(8, y) + poisson_pmf(6, x) * poisson_pmf(2, y)) / 2;
      binomial[{x, y}] =
          (binomial_pmf(10, 0.1, x) * binomial_pmf(10, 0.8, y) + binomial_pmf(10, 0.6, x) * binomial_pmf(10, 0.2, y)) /
          2;
    }
  CHECK(fit({*model, blackout_sampler()}, 6, {0, 0}, poisson).p_value > 1e-4);
  CHECK(fit({*model, blackout_sampler(), {{"counts", "binomial"}, {"trials", "10"}}}, 6, {0, 0}, binomial).p_value >
        1e-4);
}

TEST_CASE("blackout: E[n_0 - n_t | n_t] of binomial counts is (M - n) q (1 - p) / (1 - q p)") {
  const auto model = points_of(1, {4});
  const CountLaw law(CountLaw::Family::binomial, 10, *model);
  const double p = 0.3, q = 0.4, n = 2;
  double total = 0, missing = 0;  // by Bayes, over all n_0
  for (int n0 = 2; n0 <= 10; ++n0) {
    const double joint = binomial_pmf(10, q, n0) * binomial_pmf(n0, p, n);
    total += joint;
    missing += joint * (n0 - n);
  }
  CHECK(law.missing(0, 0, p, n).mean() == doctest::Approx(missing / total).epsilon(1e-12));
}

TEST_CASE("blackout --retained: counts of which a fraction is left are filled up by the law given them") {
  const auto points = points_of(1, {3, 5, 12});
  const double p = 0.4, n = 3;
  Pmf pmf;
  double total = 0;
  for (const double n0 : {3.0, 5.0, 12.0}) total += pmf[{n0}] = binomial_pmf(n0, p, n);
  for (auto& entry : pmf) entry.second /= total;
  CHECK(fit({*points, blackout_sampler(), {{"counts", "points"}, {"retained", "0.4"}}, true}, 4, {n}, pmf).p_value >
        1e-4);
}

TEST_CASE("blackout: what is no count, no rate, or no known law is refused") {
  const auto half = points_of(1, {2.5, 3}), negative = points_of(1, {-1});
  const auto gaussian = isotropic_law({2}, 1);
  const Schedule schedule = karras_levels(3);
  const auto run = [&](const Model& model, const BareRun<>::Typed& typed, bool from_states, double x) {
    return BareRun<>{model, blackout_sampler(), typed, from_states}(schedule, {x});
  };
  CHECK_THROWS_AS(run(*half, {{"counts", "points"}}, false, 0), DataError);
  CHECK_THROWS_AS(run(*negative, {}, false, 0), DataError);
  CHECK_THROWS_AS(run(*half, {{"counts", "binomial"}, {"trials", "2"}}, false, 0), DataError);
  CHECK_THROWS_AS(run(*half, {{"retained", "0.5"}}, true, 0.5), DataError);
  CHECK_THROWS_AS(run(*half, {{"retained", "0.5"}}, true, -1), DataError);
  CHECK_THROWS_AS(run(*half, {}, true, 1), UsageError);
  CHECK_THROWS_AS(run(*half, {{"retained", "0.5"}}, false, 1), UsageError);
  CHECK_THROWS_AS(run(*half, {{"counts", "binomial"}}, false, 0), UsageError);
  CHECK_THROWS_AS(run(*half, {{"trials", "5"}}, false, 0), UsageError);
  CHECK_THROWS_AS(run(*gaussian, {{"counts", "points"}}, false, 0), UsageError);
  CHECK_NOTHROW(run(*gaussian, {}, false, 0));
}

}  // namespace
}  // namespace noiseutils

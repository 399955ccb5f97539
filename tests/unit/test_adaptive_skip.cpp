#include <doctest/doctest.h>

#include <cmath>

#include "chain_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

struct AdaptiveExample {
  SmallLaw law{12, {2.5, 0.4, 0.1, 0.01}, 0.003};
  Schedule schedule = make_schedule(karras_schedule(), 50, {{"sigma-min", 0.02}, {"sigma-max", 20}, {"rho", 7}});
  std::vector<double> starts = probe_normals(12 * 30, 1);
  AdaptiveExample() {
    for (double& value : starts) value *= 20;
  }
  ChainResult run(const Sampler& sampler, const GivenOptions& options) const {
    return run_from(law, sampler, options, schedule, starts);
  }
};

TEST_CASE("adaptive-skip: threshold 0, or no skips, is DDIM to the last bit") {
  const AdaptiveExample example;
  const auto ddim = example.run(ddim_sampler(), {}).x;
  for (const GivenOptions& options :
       {GivenOptions{{"threshold", "0"}}, GivenOptions{{"threshold", "9"}, {"max-skips", "0"}}}) {
    const auto result = example.run(adaptive_skip_sampler(), options);
    CHECK(result.x == ddim);
    for (const SampleFacts& own : result.facts) CHECK(own.at("nfe") == 50);
  }
}

TEST_CASE("adaptive-skip: a threshold that lets all pass calls four times, then every (max-skips + 1)-th") {
  const AdaptiveExample example;
  struct Case {
    const char* most;
    int expected;
  };
  for (const Case& c : {Case{"4", 4 + 46 / 5}, Case{"1", 4 + 46 / 2}, Case{"1000", 4}})
    for (const SampleFacts& own :
         example.run(adaptive_skip_sampler(), {{"threshold", "1e6"}, {"max-skips", c.most}}).facts)
      CHECK(own.at("nfe") == c.expected);
}

TEST_CASE("adaptive-skip: each vector decides for itself, and fewer calls deviate more") {
  const AdaptiveExample example;
  const auto ddim = example.run(ddim_sampler(), {}).x;
  double calls = 50, deviation = 0;
  for (const char* threshold : {"0.003", "0.03", "0.3"}) {
    const auto result = example.run(adaptive_skip_sampler(), {{"threshold", threshold}});
    CHECK(mean_fact(result.facts, "nfe") < calls);
    calls = mean_fact(result.facts, "nfe");
    double square = 0;
    for (std::size_t e = 0; e < ddim.size(); ++e) square += std::pow(result.x[e] - ddim[e], 2);
    CHECK(square > deviation);
    deviation = square;
    // The same vector alone
    const std::vector<double> last(example.starts.end() - 12, example.starts.end());
    const auto alone =
        run_from(example.law, adaptive_skip_sampler(), {{"threshold", threshold}}, example.schedule, last);
    CHECK(std::equal(alone.x.begin(), alone.x.end(), result.x.end() - 12));
    CHECK(alone.facts[0].at("nfe") == result.facts.back().at("nfe"));
  }
}

TEST_CASE("adaptive-skip: one dimension, written out") {
  const SmallLaw law(1, {0.7}, 0);
  const Schedule schedule = make_schedule(karras_schedule(), 25, {{"sigma-min", 0.02}, {"sigma-max", 5}, {"rho", 4}});
  double x = 3;
  const auto result = run_from(law, adaptive_skip_sampler(), {{"threshold", "0.1"}, {"max-skips", "2"}}, schedule, {x});
  double e = 0, moved[3] = {0, 0, 0};
  int calls = 0, skipped = 0;
  for (int i = 0; i < 25; ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1);
    const bool steady = i >= 3 && std::abs((moved[0] + moved[2]) / 2 - moved[1]) <= 0.1 * moved[1];
    if (calls >= 4 && steady && skipped < 2) {
      ++skipped;
    } else {
      e = (x - law.mean()[0]) * a / (0.7 + a * a);
      ++calls;
      skipped = 0;
    }
    moved[2] = moved[1];
    moved[1] = moved[0];
    moved[0] = std::abs((b - a) * e);
    x += (b - a) * e;
  }
  CHECK(result.facts[0].at("nfe") == calls);
  CHECK(calls < 25);
  CHECK(result.x[0] == doctest::Approx(x).epsilon(1e-12));
}

}  // namespace
}  // namespace noiseutils

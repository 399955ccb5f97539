#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "chain_helpers.hpp"
#include "mixture_examples.hpp"
#include "small_law.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

TEST_CASE("ensemble: each move comes to the law, of two unlike components") {
  const double s = 0.6;
  const MixtureModel mixture = plane_mixture({0.4, 0.6}, {-1, 0, 1, 0.5}, {{0.3, 0.1, 0.1, 0.4}, {0.05, 0, 0, 0.3}});
  const std::size_t count = 600;
  std::vector<double> starts = probe_normals(2 * count, 1);
  for (const char* move : {"stretch", "difference"}) {
    const auto result =
        run_from(mixture, ensemble_sampler(), {{"burn-in", "0"}, {"chain-steps", "100"}, {"move", move}},
                 schedule_of_levels({s, s}), starts);
    std::vector<double> u[2];
    for (std::size_t i = 0; i < count; ++i) {
      const double x = result.x[2 * i], y = result.x[2 * i + 1], t = s * s;
      u[0].push_back(0.4 * normal_cdf((x + 1) / std::sqrt(0.3 + t)) + 0.6 * normal_cdf((x - 1) / std::sqrt(0.05 + t)));
      u[1].push_back(0.4 * normal_cdf(y / std::sqrt(0.4 + t)) + 0.6 * normal_cdf((y - 0.5) / std::sqrt(0.3 + t)));
    }
    CHECK(test::kolmogorov_smirnov_p(u[0]) > 1e-3);
    CHECK(test::kolmogorov_smirnov_p(u[1]) > 1e-3);
    CHECK(mean_fact(result.facts, "acceptance") > 0.2);
    CHECK(mean_fact(result.facts, "acceptance") < 0.9);
    CHECK(result.facts[0].at("nfe") == 0);
  }
}

TEST_CASE("ensemble: a narrow law is as easy as a round one") {
  // After long enough acceptance forgets the start, and affine maps of the law change nothing: the same in both.
  // Standard error: of 40 x 300 steps, of which 5 are worth one, 0.01 each.
  double acceptance[2];
  for (const int narrow : {0, 1}) {
    const SmallLaw law(3, {narrow ? 100.0 : 1.0, narrow ? 0.01 : 1.0}, 1);
    const auto result = run_from(law, ensemble_sampler(), {{"burn-in", "300"}, {"chain-steps", "300"}},
                                 schedule_of_levels({1e-3, 1e-3}), noisy_draws(law, 1e-3, 40, 7));
    acceptance[narrow] = mean_fact(result.facts, "acceptance");
  }
  CHECK(std::abs(acceptance[0] - acceptance[1]) < 0.06);
}

TEST_CASE("ensemble: too few particles to span the space are refused, and more than memory should hold") {
  const SmallLaw law(3, {1, 0.2}, 0.1);
  const auto with = [&](const char* particles) {
    return run_from(law, ensemble_sampler(), {{"particles", particles}, {"chain-steps", "1"}},
                    schedule_of_levels({1, 1}), probe_normals(300, 2));
  };
  CHECK_NOTHROW(with("8"));
  CHECK_THROWS_AS(with("6"), UsageError);
  CHECK_THROWS_AS(with("9"), UsageError);
  CHECK_THROWS_AS(with("1000000"), UsageError);
}

}  // namespace
}  // namespace noiseutils

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "chain_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

const Schedule kSchedule = schedule_of_levels({80, 30, 11, 4, 1.5, 0.6, 0.2, 0.05, 0});

TEST_CASE("lml: at kappa 0 it is DDIM, to 1e-10 in double even where the damping is small") {
  const SmallLaw law(12, {2.5, 0.4, 0.1, 0.01}, 0.003);
  std::vector<double> starts = probe_normals(12 * 20, 1);
  for (double& value : starts) value *= 80;
  const auto ddim = run_from(law, ddim_sampler(), {}, kSchedule, starts).x;
  for (const char* damping : {"1e-9", "0.001", "1000"})
    CHECK(largest_difference(run_from(law, lml_sampler(), {{"kappa", "0"}, {"damping", damping}}, kSchedule, starts).x,
                             ddim) < 1e-10);
}

TEST_CASE("lml: kappa above 0 is the formula, written out element by element") {
  const std::size_t d = 5;
  const SmallLaw law(5, {2, 0.3}, 0.1);
  const double kappa = 0.3, lambda = 2;
  std::vector<double> x = probe_normals(d, 2);
  for (double& value : x) value *= 3;
  const std::vector<double> levels = {3, 1.2, 0.7, 0.4};
  const auto result = run_from(law, lml_sampler(), {{"kappa", "0.3"}, {"damping", "2"}}, schedule_of_levels(levels), x);
  std::vector<double> before;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    std::vector<double> x0(d), e(d), tilde(d), damped(d);
    law.denoise(levels[i], std::span<const double>(x), std::span<double>(x0));
    double inner = 0, square = 0, was = 0, is = 0;
    for (std::size_t j = 0; j < d; ++j) {
      e[j] = (x[j] - x0[j]) / levels[i];
      tilde[j] = i == 0 ? e[j] : kappa * before[j] + (1 - kappa) * e[j];
      inner += e[j] * tilde[j];
      square += tilde[j] * tilde[j];
      was += e[j] * e[j];
    }
    for (std::size_t j = 0; j < d; ++j) {
      damped[j] = e[j] - tilde[j] * inner / (lambda + square);
      is += damped[j] * damped[j];
    }
    for (std::size_t j = 0; j < d; ++j) x[j] = x0[j] + levels[i + 1] * damped[j] * std::sqrt(was / is);
    before = e;
  }
  CHECK(largest_difference(result.x, x) < 1e-12);
}

TEST_CASE("lml: kappa above 0 with little damping leaves of the direction what is across e~, scaled to its norm") {
  // e' is then at right angles to e~, and turned against e by 90 degrees less the angle between e and e~.
  const std::size_t d = 12;
  const SmallLaw law(12, {2.5, 0.4, 0.1, 0.01}, 0.003);
  const std::vector<double> levels = {3, 1.2, 0.4};
  std::vector<double> starts = probe_normals(d, 3);
  const auto direction = [&](std::span<const double> x, double s) {
    std::vector<double> e(d);
    law.denoise(s, x, std::span<double>(e));
    for (std::size_t j = 0; j < d; ++j) e[j] = (x[j] - e[j]) / s;
    return e;
  };
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  const auto x1 = run_from(law, ddim_sampler(), {}, schedule_of_levels({3, 1.2}), starts).x;
  const auto before = direction(starts, 3), e = direction(x1, 1.2);
  const auto x2 =
      run_from(law, lml_sampler(), {{"kappa", "0.5"}, {"damping", "1e-9"}}, schedule_of_levels(levels), starts).x;
  std::vector<double> turned(d), tilde(d);
  for (std::size_t j = 0; j < d; ++j) {
    turned[j] = (x2[j] - (x1[j] - 1.2 * e[j])) / 0.4;
    tilde[j] = (before[j] + e[j]) / 2;
  }
  CHECK(dot(turned, turned) == doctest::Approx(dot(e, e)).epsilon(1e-10));
  CHECK(std::abs(dot(turned, tilde)) < 1e-6 * dot(e, e));
  const double along = dot(e, tilde) / std::sqrt(dot(e, e) * dot(tilde, tilde));
  CHECK(dot(turned, e) / dot(e, e) == doctest::Approx(std::sqrt(1 - along * along)).epsilon(1e-6));
}

}  // namespace
}  // namespace noiseutils

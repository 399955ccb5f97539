#include <doctest/doctest.h>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/cold.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

/// deg(x, t) = scale(t) x + size(t) e, for an e that does not change on the way.
class Shift : public Degradation {
 public:
  std::vector<double> direction;
  std::function<double(double)> scale = [](double) { return 1.0; }, size = [](double t) { return t; };
  void apply(double t, std::span<const double> x, std::span<double> out) const override {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = scale(t) * x[i] + size(t) * direction[i];
  }
};

std::vector<double> run_cold(const Degradation& deg, const Restorer<double>& restorer, ColdMethod method,
                             std::int64_t steps, std::vector<double> x) {
  const OptionValues none;
  const Schedule schedule = karras_levels(steps);
  cold_diffusion<double>({{}, schedule, none, static_cast<std::int64_t>(x.size())}, deg, restorer, method, x);
  return x;
}

TEST_CASE("cold: with deg(x, t) = x + t e tacos comes back to x_0 exactly, by whatever restorer; naive does not") {
  Shift deg;
  deg.direction = test_normals(8, 1);
  const auto clean = test_normals(8, 2);
  std::vector<double> start(8);
  deg.apply(1, clean, start);
  const Restorer<double> nonsense = [](double t, std::span<const double> x, std::span<double> x0) {
    for (std::size_t i = 0; i < x.size(); ++i) x0[i] = std::sin(5 * x[i]) + t;
  };
  CHECK(largest_difference(run_cold(deg, nonsense, ColdMethod::tacos, 50, start), clean) < 1e-13);
  CHECK(largest_difference(run_cold(deg, nonsense, ColdMethod::naive, 50, start), clean) > 0.1);
}

TEST_CASE("cold: tacos with deg = alpha x_0 + sigma n, n as it is estimated from x, is ddim") {
  const MixtureModel law = random_mixture(6, {2, 3, 2}, {0.1, 0.02, 0.3}, 1.5);
  const std::int64_t steps = 12;
  Schedule schedule;  // at the times 1 - i/N of cold diffusion: alpha = 1 - 0.9 t, sigma = t
  for (std::int64_t i = 0; i <= steps; ++i) {
    const double t = i < steps ? 1 - static_cast<double>(i) / static_cast<double>(steps) : 0;
    schedule.levels.push_back({1 - 0.9 * t, t});
  }
  Shift deg;
  deg.scale = [](double t) { return 1 - 0.9 * t; };
  deg.direction.resize(6);
  const Restorer<double> restorer = [&](double t, std::span<const double> x, std::span<double> x0) {
    const double alpha = deg.scale(t);
    std::vector<double> relative(x.begin(), x.end());
    for (double& value : relative) value /= alpha;
    law.denoise(t / alpha, relative, x0);
    for (std::size_t i = 0; i < x.size(); ++i) deg.direction[i] = (x[i] - alpha * x0[i]) / t;
  };
  const auto n = test_normals(6, 5);
  std::vector<double> start(n), relative(n);
  for (std::size_t i = 0; i < n.size(); ++i) relative[i] = n[i] / schedule.levels[0].alpha;
  CHECK(largest_difference(run_cold(deg, restorer, ColdMethod::tacos, steps, start),
                           BareRun<>{law, ddim_sampler()}(schedule, relative)) < 1e-12);
}

TEST_CASE("cold: the family of an operator is nothing at t = 0, the operator at t = 1, and of blurs a semigroup") {
  const SampleLayout layout{"HW", {8, 6}};
  const auto x = test_normals(48, 3);
  for (const char* text : {"blur:1.5", "box:1,1,3,4", "downsample:2", "motion:3,30"}) {
    const auto deg = operator_degradation(text, layout);
    std::vector<double> none(48), half(48), all(48);
    deg->apply(0, x, none);
    CHECK(largest_difference(none, x) < 1e-14);
    deg->apply(1, x, all);
    CHECK(largest_difference(all, x) > 0.1);
    deg->apply(0.5, x, half);
    if (std::string(text) == "blur:1.5") {
      std::vector<double> twice(48);
      deg->apply(0.5, half, twice);
      CHECK(largest_difference(twice, all) < 1e-4);
    } else {
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(half[i] == doctest::Approx((x[i] + all[i]) / 2).epsilon(1e-12));
    }
  }
}

TEST_CASE("cold: what cannot be is refused") {
  CHECK_THROWS_AS(operator_degradation("random:5", {"HW", {8, 6}}), UsageError);
  CHECK_THROWS_AS(operator_degradation("nonsense:1", {"HW", {8, 6}}), UsageError);
  const SmallLaw law(5, {2, 0.7}, 0.1);
  CHECK_THROWS_AS((BareRun<>{law, cold_sampler()}(karras_levels(2), std::vector<double>(5, 0.0))), UsageError);
}

}  // namespace
}  // namespace noiseutils

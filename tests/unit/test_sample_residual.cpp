#include <doctest/doctest.h>

#include "bridge_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/affine_law.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

MixtureModel three_components() { return random_mixture(6, {2, 3, 2}, {0.1, 0.02, 0.3}, 1.5); }

/// alpha_bar_t and beta_bar_t as the sums that define them.
std::pair<double, double> sums_to(std::int64_t t, std::int64_t times, double scale) {
  const double norm = static_cast<double>(times * (times + 1));
  double alpha = 0, beta_squared = 0;
  for (std::int64_t i = 1; i <= t; ++i) {
    alpha += 2 * static_cast<double>(times - i + 1) / norm;
    beta_squared += scale * 2 * static_cast<double>(i) / norm;
  }
  return {alpha, std::sqrt(beta_squared)};
}

TEST_CASE("iadb: is ddim, on a law that is not Gaussian and along any schedule") {
  const MixtureModel law = three_components();
  const auto n = test_normals(6 * 20, 5);
  for (const char* name : {"karras", "vp", "cosine-gamma", "cosine"}) {
    const ScheduleFamily* family = nullptr;
    for (const ScheduleFamily& known : schedule_families())
      if (known.name == name) family = &known;
    REQUIRE(family != nullptr);
    const Schedule schedule = make_schedule(*family, 12, {});
    const auto deblended = run_from_normals<double>(law, iadb_sampler(), schedule, Stepping::one_by_one, n);
    const auto ddim = run_from_normals<double>(law, ddim_sampler(), schedule, Stepping::one_by_one, n);
    CHECK(largest_difference(deblended, ddim) < 1e-12);
  }
}

TEST_CASE("rddm: from I_in = 0 and without fresh noise it is ddim with alpha = 1 - alpha_bar, sigma = beta_bar") {
  const MixtureModel law = three_components();
  for (const double scale : {1.0, 0.01}) {
    const std::int64_t steps = 9;
    const auto found = BareRun<>{law, rddm_sampler(), {{"sum-scale", std::to_string(scale)}}}(
        karras_levels(steps), std::vector<double>(6 * 20, 7.0));
    // At t = T nothing of the sample is left: x(s_1) = E[x_0] + s_1 n; from there DDIM.
    Schedule schedule;
    for (std::int64_t t = steps - 1; t >= 0; --t) {
      const auto [alpha, beta] = sums_to(t, steps, scale);
      schedule.levels.push_back({1 - alpha, beta});
    }
    std::vector<double> n(6 * 20), x(6 * 20);
    BareRun<>{law, ddim_sampler()}.draw(0, n);
    law.denoise(1e150, n, x);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += schedule.s(0) * n[i];
    CHECK(largest_difference(found, BareRun<>{law, ddim_sampler()}(schedule, x)) < 1e-12);
  }
}

TEST_CASE("rddm: the law of its samples converges to that of the model, with order 1, from any I_in") {
  const std::vector<double> lambda = {2, 0.5, 0.05};
  for (const char* eta : {"0", "1"}) {
    const OptionValues options = options_of(rddm_sampler(), {{"eta", eta}});
    std::vector<double> steps, errors;
    for (const std::int64_t count : {160, 320, 640}) {
      const AffineLaw form = affine_law({rddm_sampler(), options, karras_levels(count)}, lambda);
      steps.push_back(static_cast<double>(count));
      errors.push_back(form.variance(0, 0) - lambda[0]);
      for (std::size_t k = 0; k < lambda.size(); ++k) {
        CHECK(form.start[k] == 0);
        CHECK(form.mean[k] == doctest::Approx(1).epsilon(1e-12));
        CHECK(form.variance(k, 0) == doctest::Approx(lambda[k]).epsilon(0.15));
      }
    }
    CHECK(fitted_slope(steps, errors) == doctest::Approx(1).epsilon(0.1));
  }
}

TEST_CASE("rddm --input-noise: samples of the posterior N(mu + g (I_in - mu), g S^2), g = lambda / (lambda + S^2)") {
  const double noise = 0.7, mean = 0.3 * std::sin(1.0);  // of a SmallLaw of one dimension
  const SmallLaw law(1, {0.5}, 0);
  const double g = 0.5 / (0.5 + noise * noise);
  const OptionValues options = options_of(rddm_sampler(), {{"input-noise", "0.7"}, {"eta", "1"}});
  const AffineLaw form = affine_law({rddm_sampler(), options, karras_levels(2000)}, law.eigenvalues());
  CHECK(form.variance(0, 0) == doctest::Approx(g * noise * noise).epsilon(2e-3));
  BareRun<> run{law, rddm_sampler(), {{"input-noise", "0.7"}, {"eta", "1"}}, true};
  run.draw = [](std::size_t, std::span<double> z) { std::fill(z.begin(), z.end(), 0.0); };
  for (const double input : {-1.0, 0.0, 2.5})
    CHECK(run(karras_levels(2000), {input})[0] == doctest::Approx(mean + g * (input - mean)).epsilon(2e-3));
}

}  // namespace
}  // namespace noiseutils

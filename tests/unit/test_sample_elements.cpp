#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <numeric>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "mixture_examples.hpp"
#include "model/empirical.hpp"
#include "sample/affine_law.hpp"
#include "sample/gaussian_parts.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

/// From a to b in equal ratios, without a last step to 0.
Schedule geometric(std::int64_t steps, double a, double b) {
  Schedule schedule;
  for (std::int64_t i = 0; i <= steps; ++i)
    schedule.levels.push_back({1, a * std::pow(b / a, static_cast<double>(i) / static_cast<double>(steps))});
  return schedule;
}

TEST_CASE("restoration-degradation: restored to the clean sample it is ddim") {
  const MixtureModel law = random_mixture(6, {2, 3, 2}, {0.1, 0.02, 0.3}, 1.5);
  auto x = test_normals(6 * 20, 5);
  for (double& value : x) value *= 80;
  CHECK(largest_difference(BareRun<>{law, restoration_degradation_sampler()}(karras_levels(12), x),
                           BareRun<>{law, ddim_sampler()}(karras_levels(12), x)) < 1e-12);
}

TEST_CASE("restoration-degradation: restored to a part of the next level it converges to the flow, with order 1") {
  const double a = 10, b = 0.05, lambda = 0.4;
  const double flow = std::sqrt((lambda + b * b) / (lambda + a * a));
  for (const char* ratio : {"0.3", "0.7", "0.9"}) {
    const OptionValues options = options_of(restoration_degradation_sampler(), {{"restore-to", ratio}});
    std::vector<double> steps, errors;
    for (const std::int64_t count : {400, 800, 1600}) {
      const Schedule schedule = geometric(count, a, b);
      const AffineLaw form =
          affine_law({restoration_degradation_sampler(), options, schedule}, std::vector<double>{lambda});
      steps.push_back(static_cast<double>(count));
      errors.push_back(form.start[0] / flow - 1);
    }
    CHECK(std::abs(errors.back()) < 0.02);
    CHECK(fitted_slope(steps, errors) == doctest::Approx(1).epsilon(0.1));
  }
}

/// Three frames of two values, which depend on one another.
ModelInfo frames_info() {
  ModelInfo info;
  info.kind = "gaussian";
  info.axes = "TD";
  info.shape = {3, 2};
  info.count = 1;
  return info;
}
std::unique_ptr<LinearModel> three_frames() {
  return gaussian_model(frames_info(), std::vector<double>(6, 0.0), Tensor::of({6, 6}, random_basis(6, 6, 70)),
                        {2, 1, 0.5, 0.3, 0.2, 0.1}, 0);
}

TEST_CASE("rolling: without a lag it is ddim; the last frame is as late as it should be") {
  const auto law = three_frames();
  auto x = test_normals(6 * 10, 5);
  for (double& value : x) value *= 80;
  const Schedule schedule = karras_levels(9);
  CHECK(largest_difference(BareRun<>{*law, rolling_sampler(), {{"lag", "0"}}}(schedule, x),
                           BareRun<>{*law, ddim_sampler()}(schedule, x)) < 1e-10);
  CHECK(largest_difference(BareRun<>{*law, rolling_sampler(), {{"lag", "3"}}}(schedule, x),
                           BareRun<>{*law, ddim_sampler()}(schedule, x)) > 1e-3);
}

TEST_CASE("rolling: the law of dependent frames converges to the model's, with order 1, whatever the lag") {
  const auto law = three_frames();
  const double a = 10, b = 0.1;
  const Eigen::MatrixXd covariance = dense_parts(*law, "test")[0].covariance;
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(6, 6);
  for (const std::int64_t per_step : {1, 4}) {
    std::vector<double> steps, errors;
    for (const std::int64_t count : {100, 200, 400}) {
      // The lag is a share of the schedule: 1/20, or 1/5.
      const BareRun<> run{*law, rolling_sampler(), {{"lag", std::to_string(count * per_step / 20)}}};
      const auto columns = run(geometric(count, a, b), {identity.data(), identity.data() + 36});
      const Eigen::Map<const Eigen::MatrixXd> map(columns.data(), 6, 6);
      const Eigen::MatrixXd reached = map * (covariance + a * a * identity) * map.transpose();
      steps.push_back(static_cast<double>(count));
      errors.push_back((reached - covariance - b * b * identity).norm());
    }
    CHECK(errors.back() < 0.1);
    CHECK(fitted_slope(steps, errors) == doctest::Approx(1).epsilon(0.1));
  }
}

TEST_CASE("rolling: every state is seen once, and a law without frames is refused") {
  const auto law = three_frames();
  const OptionValues options = options_of(rolling_sampler(), {{"lag", "2"}});
  const Schedule schedule = karras_levels(5);
  SamplerRun<double> run{{}, schedule, options, 6};
  const auto target = target_of(*law);
  run.target = target.get();
  std::vector<std::int64_t> seen;
  run.observer = [&](std::int64_t i, std::span<const double>) { seen.push_back(i); };
  std::vector<double> x(6, 1.0);
  rolling_sampler().run_double(run, x);
  std::vector<std::int64_t> expected(5);
  std::iota(expected.begin(), expected.end(), 1);
  CHECK(seen == expected);
  const SmallLaw flat(4, {1}, 0.1);
  CHECK_THROWS_AS((BareRun<>{flat, rolling_sampler()}(schedule, std::vector<double>(4, 0.0))), UsageError);
}

TEST_CASE("prior-grad: of independent elements each goes through ddim's gain of variance 1") {
  ModelInfo info;
  info.kind = "gaussian";
  info.axes = "D";
  info.shape = {3};
  const std::vector<double> variances = {4, 0.25, 0.01}, mean = {1, -2, 0.5};
  const auto law =
      gaussian_model(info, mean, Tensor::of({3, 3}, std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1}), variances, 0);
  const Schedule schedule = karras_levels(10);
  double gain = 1;
  for (std::int64_t i = 0; i < schedule.steps(); ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1);
    gain *= 1 + (b - a) * a / (1 + a * a);
  }
  const BareRun<> run{*law, prior_grad_sampler()};
  std::vector<double> n(3);
  run.draw(0, n);
  const auto x = run(schedule, std::vector<double>(3));
  for (std::size_t j = 0; j < 3; ++j)
    CHECK(x[j] == doctest::Approx(mean[j] + std::sqrt(variances[j]) * gain * 80 * n[j]).epsilon(1e-10));
}

TEST_CASE("prior-grad: is ddim for points in units of the deviation of each element") {
  const std::vector<double> points = {0, 0, 5, 0.1, 1, 0.3, 6, -0.2};
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {2};
  const auto law = empirical_model(info, Tensor::of({4, 2}, points));
  std::vector<double> mean(2), deviation(2), scaled(points);
  for (std::size_t i = 0; i < 8; ++i) mean[i % 2] += points[i] / 4;
  for (std::size_t i = 0; i < 8; ++i) deviation[i % 2] += std::pow(points[i] - mean[i % 2], 2) / 4;
  for (double& value : deviation) value = std::sqrt(value);
  for (std::size_t i = 0; i < 8; ++i) scaled[i] = (points[i] - mean[i % 2]) / deviation[i % 2];
  const auto scaled_law = empirical_model(info, Tensor::of({4, 2}, scaled));
  const BareRun<> run{*law, prior_grad_sampler()};
  std::vector<double> n(2 * 30);
  run.draw(0, n);
  for (double& value : n) value *= 80;
  auto expected = BareRun<>{*scaled_law, ddim_sampler()}(karras_levels(10), n);
  for (std::size_t i = 0; i < n.size(); ++i) expected[i] = mean[i % 2] + deviation[i % 2] * expected[i];
  CHECK(largest_difference(run(karras_levels(10), std::vector<double>(n.size())), expected) < 1e-9);
}

TEST_CASE("prior-grad --eta 1: the variance converges with order 1, computed from the response to each draw") {
  const auto law = isotropic_law({0}, 0.3);
  std::vector<double> steps, errors;
  for (const std::int64_t count : {40, 80, 160}) {
    BareRun<> run{*law, prior_grad_sampler(), {{"eta", "1"}}, true};
    const Schedule schedule = geometric(count, 10, 0.1);
    run.draw = [](std::size_t, std::span<double> z) { z[0] = 0; };
    const double gain = run(schedule, {1})[0];
    double variance = gain * gain * (0.3 + 100 * 0.3);
    for (std::size_t unit = 0; unit < static_cast<std::size_t>(count); ++unit) {
      run.draw = [&](std::size_t j, std::span<double> z) { z[0] = j == unit ? 1 : 0; };
      const double response = run(schedule, {0})[0];
      variance += response * response;
    }
    steps.push_back(static_cast<double>(count));
    errors.push_back(variance - 0.3 - 0.01 * 0.3);
  }
  CHECK(std::abs(errors.back()) < 0.02);
  CHECK(fitted_slope(steps, errors) == doctest::Approx(1).epsilon(0.1));
}

}  // namespace
}  // namespace noiseutils

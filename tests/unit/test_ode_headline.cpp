#include <doctest/doctest.h>

#include <cmath>

#include "order_helpers.hpp"
#include "sample/exponential.hpp"

namespace noiseutils {
namespace {

/// The variances of images of 32 x 32 whose power falls as 1 / f^2 (f = 1/2 at frequency 0), of mean 1/4.
std::vector<double> power_law() {
  std::vector<double> lambda;
  double sum = 0;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x) {
      const double fy = std::min(y, 32 - y), fx = std::min(x, 32 - x), square = fx * fx + fy * fy;
      lambda.push_back(1 / (square > 0 ? square : 0.25));
      sum += lambda.back();
    }
  for (double& value : lambda) value *= 0.25 * static_cast<double>(lambda.size()) / sum;
  return lambda;
}

/// sqrt(E |x - x*|^2 / E |x*|^2) between a sampler and the flow, x(s_0) from the true law.
double relative_error(const Sampler& sampler, const GivenOptions& given, const Schedule& schedule) {
  const std::vector<double> lambda = power_law();
  const AffineLaw law = affine_law({sampler, options_of(sampler, given), schedule}, lambda);
  const double s0 = schedule.s(0), s1 = schedule.s(schedule.steps());
  double error = 0, size = 0;
  for (std::size_t k = 0; k < lambda.size(); ++k) {
    const double start = lambda[k] + s0 * s0, exact = std::sqrt((lambda[k] + s1 * s1) / start);
    error += start * std::pow(law.start[k] - exact, 2);
    size += start * exact * exact;
  }
  return std::sqrt(error / size);
}

Schedule schedule_of_levels(const std::vector<double>& s) {
  Schedule schedule{"test", {}, {}};
  for (const double level : s) schedule.levels.push_back({1, level});
  return schedule;
}

/// N levels at equal steps of log s from 14.6 to that of time 1000/N of the chain scaled-linear, then 0.01.
Schedule log_levels(std::int64_t N) {
  double retained = 1;
  for (std::int64_t t = 0; t <= 1000 / N; ++t)
    retained *=
        1 - std::pow(std::sqrt(0.00085) + static_cast<double>(t) / 999 * (std::sqrt(0.012) - std::sqrt(0.00085)), 2);
  std::vector<double> s;
  for (std::int64_t i = 0; i < N; ++i)
    s.push_back(14.6 * std::pow(std::sqrt((1 - retained) / retained) / 14.6,
                                static_cast<double>(i) / static_cast<double>(N - 1)));
  s.push_back(0.01);
  return schedule_of_levels(s);
}

TEST_CASE(
    "gradient estimation beats DDIM at five and ten calls on a power law, by the figures of a numpy transcription") {
  const auto check = [](const Schedule& schedule, double ddim, double ge) {
    const double plain = relative_error(ddim_sampler(), {}, schedule);
    const double estimated = relative_error(gradient_estimation_sampler(), {}, schedule);
    CHECK(plain == doctest::Approx(ddim).epsilon(1e-6));
    CHECK(estimated == doctest::Approx(ge).epsilon(1e-6));
    CHECK(estimated < 0.7 * plain);
  };
  check(log_levels(5), 0.33279822332816344, 0.19060928800473156);
  check(log_levels(10), 0.21331980000081288, 0.12289630762514935);
  check(levels_between(14.6, 0.01, 4, 7), 0.33207429689208673, 0.04944378824493773);  // Karras, 5 levels
  check(levels_between(14.6, 0.01, 9, 7), 0.16488059249421883, 0.08886650947678434);
}

TEST_CASE("gradient estimation errs as much as DDIM in the end, the other way; gamma 3/2 does not") {
  const Schedule schedule = levels_between(14.6, 0.01, 640, INFINITY);
  for (const double lambda : {0.01, 0.3, 3.0}) {
    const std::vector<double> one{lambda};
    const double exact = std::sqrt((lambda + 1e-4) / (lambda + 14.6 * 14.6));
    const auto error = [&](const Sampler& sampler, const GivenOptions& given) {
      return affine_law({sampler, options_of(sampler, given), schedule}, one).start[0] - exact;
    };
    const double ddim = error(ddim_sampler(), {});
    CHECK(error(gradient_estimation_sampler(), {{"gamma", "2"}}) == doctest::Approx(-ddim).epsilon(0.05));
    CHECK(std::abs(error(gradient_estimation_sampler(), {{"gamma", "1.5"}})) < std::abs(ddim) / 20);
  }
}

/// |x| after many steps of length z for dx/dt = -x: below 1 where the method is stable.
double growth(const Sampler& sampler, const std::string& order, double z) {
  const std::int64_t steps = 3000;
  Schedule schedule{"test", {}, {}};
  for (std::int64_t i = 0; i <= steps; ++i) schedule.levels.push_back({1, static_cast<double>(2 * steps - i)});
  const OptionValues options = options_of(sampler, {{"order", order}});
  // e = z x at any level, and each step is one down.
  SamplerRun<double> run{
      [&](double s, std::span<const double> x, std::span<double> x0) { x0[0] = x[0] - s * z * x[0]; }, schedule,
      options};
  double x = 1;
  sampler.run_double(run, {&x, 1});
  return std::abs(x);
}

TEST_CASE("momentum enlarges the steps that are stable: limits on the real axis") {
  const auto has_limit = [](const Sampler& sampler, const std::string& order, double limit) {
    INFO(sampler.name << " " << order);
    CHECK(growth(sampler, order, 0.985 * limit) < 1);
    CHECK(growth(sampler, order, 1.015 * limit) > 1);
  };
  const double adams_bashforth_limits[] = {2, 1, 6.0 / 11, 0.3};
  for (int k = 1; k <= 4; ++k) {
    const double plain = adams_bashforth_limits[k - 1];
    has_limit(ghvb_sampler(), std::to_string(k), plain);
    for (const double beta : {0.8, 0.5})  // heavy ball: (2 - beta) / beta times as long
      has_limit(heavy_ball_sampler(), std::to_string(k - 1 + beta), plain * (2 - beta) / beta);
  }
  has_limit(ghvb_sampler(), "1.8", 1.2);  // 2 - beta
  has_limit(ghvb_sampler(), "1.5", 1.5);
  has_limit(ghvb_sampler(), "2.8", 0.642);
  has_limit(ghvb_sampler(), "2.5", 0.782);
  has_limit(ghvb_sampler(), "3.8", 0.352);
  has_limit(ghvb_sampler(), "3.5", 0.428);
  has_limit(nesterov_sampler(), "3.5", 0.45);
}

}  // namespace
}  // namespace noiseutils

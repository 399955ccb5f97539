#include <doctest/doctest.h>

#include <cmath>

#include "noise/forward_process.hpp"
#include "order_helpers.hpp"

namespace noiseutils {
namespace {

constexpr double kLog = INFINITY, kKarras = 7, kUniform = 1;  // of levels_between

struct ExpectedOrder {
  std::string name;
  double log, karras, uniform;
  GivenOptions given = {};
};

/// On levels from 10 to 0.05, those equally spaced in s from 10 to 2: steps must be short beside s for the order to
/// show.
void check_orders(const std::vector<ExpectedOrder>& table, bool exact_history) {
  for (const ExpectedOrder& row : table) {
    INFO(row.name << (row.given.empty() ? "" : " --" + row.given[0].first + " " + row.given[0].second));
    CHECK(std::abs(order_between(row.name, kLog, row.given, exact_history) - row.log) < 0.1);
    CHECK(std::abs(order_between(row.name, kKarras, row.given, exact_history) - row.karras) < 0.1);
    CHECK(std::abs(order_between(row.name, kUniform, row.given, exact_history, 10, 2) - row.uniform) < 0.1);
  }
}

TEST_CASE("ode samplers: orders of convergence, from their exact maps") {
  check_orders(
      {
          {"ddim", 1, 1, 1},
          {"euler", 1, 1, 1},
          {"heun", 2, 2, 2},
          {"dpm2", 2, 2, 2},
          {"dpm-solver-1", 1, 1, 1},
          {"dpm-solver-2", 2, 2, 2},
          {"dpm-solver-3", 3, 3, 3},
          {"dpmpp-2s", 2, 2, 2},
          {"dpmpp-2m", 2, 2, 2},
          {"dpmpp-2m", 2, 2, 2, {{"solver-type", "heun"}}},
          {"unipc-1", 2, 2, 2},
          {"unipc-1", 2, 2, 2, {{"variant", "bh1"}}},
          {"unipc-1", 2, 2, 2, {{"prediction", "epsilon"}}},
          {"unipc-2", 3, 3, 3},
          {"unipc-2", 3, 3, 3, {{"variant", "bh1"}}},
          {"unipc-2", 3, 3, 3, {{"prediction", "epsilon"}}},
          {"s-pndm", 2, 2, 2},
          // The coefficients of equal steps in s: 4 there, and 2 on all others, four values or not.
          {"pndm", 2, 2, 4},
          {"lms-1", 1, 1, 1},
          {"lms-2", 2, 2, 2},
          {"deis-1", 1, 1, 1},
          {"deis-2", 2, 2, 2},
          {"gradient-estimation", 1, 1, 1},
          {"gradient-estimation", 2, 2, 2, {{"gamma", "1.5"}}},
          {"heavy-ball", 1, 1, 1},
          {"heavy-ball", 1, 1, 1, {{"order", "2.5"}}},
          {"nesterov", 1, 1, 1},
          {"nesterov", 1, 1, 1, {{"order", "2.5"}}},
          {"ghvb", 1, 1, 1, {{"order", "0.5"}}},
          {"ghvb", 2, 2, 2},
      },
      false);
}

TEST_CASE("ode samplers: methods of order 3 and more reach it from an exact history") {
  check_orders(
      {
          {"dpmpp-3m", 3, 3, 3},
          {"dpmpp-3m", 2, 2, 2, {{"compat", "true"}}},  // the public code: no history gives D2 its factor 2
          {"lms-3", 3, 3, 3},
          {"lms-4", 4, 4, 4},
          {"deis-3", 3, 3, 3},
          {"deis-3", 3, 3, 3, {{"extrapolate-in", "s"}}},
          {"unipc-3", 4, 4, 4},
          {"plms", 2, 2, 4},
          {"pndm", 2, 2, 4},
      },
      true);
}

TEST_CASE("ode samplers: a start by Euler keeps a multistep method of any order at 2") {
  for (const double rho : {kLog, kKarras}) {
    CHECK(order_between("lms-4", rho) < 2.2);
    CHECK(order_between("dpmpp-3m", rho) < 2.2);
    CHECK(order_between("deis-3", rho) < 2.2);
  }
}

TEST_CASE("ghvb: four values keep order 2 on uneven levels, and more than heavy ball's 1 on even ones") {
  CHECK(std::abs(order_between("ghvb", kLog, {{"order", "2.5"}}) - 2) < 0.1);
  CHECK(std::abs(order_between("ghvb", kKarras, {{"order", "3.5"}}) - 2) < 0.1);
  CHECK(order_between("ghvb", kUniform, {{"order", "2.5"}}, true, 10, 2) > 2.5);
}

/// The largest relative error of the variance at the end of N equal steps of time along vp, from 1 to 0.001.
double variance_error(const Sampler& sampler, std::int64_t steps) {
  const ForwardProcess vp(vp_schedule(), {});
  Schedule schedule{"vp", {}, {}};
  for (std::int64_t i = 0; i <= steps; ++i)
    schedule.levels.push_back(vp.level(1 - 0.999 * static_cast<double>(i) / static_cast<double>(steps)));
  const AffineLaw law = affine_law({sampler, {}, schedule}, variances());
  double error = 0;
  for (std::size_t k = 0; k < variances().size(); ++k) {
    const double lambda = variances()[k], s0 = schedule.s(0), s1 = schedule.s(steps);
    error = std::max(error, std::abs(law.variance(k, lambda + s0 * s0) / (lambda + s1 * s1) - 1));
  }
  return error;
}

TEST_CASE("accelerated-ddim: order 2 in the variance along vp, with the errors of an independent implementation") {
  const std::vector<double> steps{40, 80, 160, 320, 640}, known{0.15, 0.036, 0.0089, 0.0022, 0.00054};
  std::vector<double> errors, plain;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    errors.push_back(variance_error(accelerated_ddim_sampler(), static_cast<std::int64_t>(steps[i])));
    plain.push_back(variance_error(ddim_sampler(), static_cast<std::int64_t>(steps[i])));
    CHECK(errors[i] == doctest::Approx(known[i]).epsilon(0.02));  // two digits are known
  }
  CHECK(std::abs(order_of(steps, errors) - 2) < 0.1);
  CHECK(std::abs(order_of(steps, plain) - 1) < 0.1);
}

TEST_CASE("ode samplers: calls of the denoiser") {
  const auto calls = [](const std::string& name, std::int64_t steps, bool to_zero) {
    Schedule schedule = levels_between(10, 0.1, to_zero ? steps - 1 : steps, kKarras);
    if (to_zero) schedule.levels.push_back({1, 0});
    const Sampler& sampler = *find_entry(samplers(), name);
    return sampler_cost({sampler, options_of(sampler), schedule}).calls;
  };
  const std::int64_t N = 12;
  for (const char* name :
       {"ddim", "euler", "dpm-solver-1", "dpmpp-2m", "dpmpp-3m", "unipc-1", "unipc-2", "unipc-3", "lms-1", "lms-4",
        "deis-1", "deis-3", "gradient-estimation", "heavy-ball", "nesterov", "ghvb"})
    for (const bool to_zero : {false, true}) {
      INFO(name);
      CHECK(calls(name, N, to_zero) == N);
    }
  for (const char* name : {"heun", "dpm2", "dpm-solver-2", "dpmpp-2s"}) {
    INFO(name);
    CHECK(calls(name, N, false) == 2 * N);
    CHECK(calls(name, N, true) == 2 * N - 1);  // the last step to 0 is one call for all
  }
  CHECK(calls("dpm-solver-3", N, false) == 3 * N);
  CHECK(calls("s-pndm", N, true) == N + 1);
  CHECK(calls("plms", N, true) == N + 1);
  CHECK(calls("pndm", N, true) == N + 9);
  CHECK(calls("accelerated-ddim", N, false) == 2 * N - 1);
}

TEST_CASE("ode samplers: a point mass is reached exactly whatever the steps, by all that keep e constant") {
  const double s0 = 10, s1 = 2;
  for (const Sampler& sampler : samplers()) {
    if (!sampler.affine || !sampler.takes_steps() || sampler.stochastic || sampler.name == "accelerated-ddim") continue;
    INFO(sampler.name);
    const std::vector<double> point{0};
    const Schedule schedule = levels_between(s0, s1, 5, 3);
    const AffineLaw law = affine_law({sampler, options_of(sampler), schedule}, point);
    CHECK(std::abs(law.start[0] - s1 / s0) < 1e-14);
    CHECK(std::abs(law.mean[0] - (1 - s1 / s0)) < 1e-14);
  }
}

}  // namespace
}  // namespace noiseutils

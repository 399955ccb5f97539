#include <doctest/doctest.h>

#include <cmath>

#include "noise/schedule.hpp"
#include "order_helpers.hpp"
#include "sample/exponential.hpp"
#include "sample/momentum.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

AffineLaw map_of(const std::string& name, const GivenOptions& given, const Schedule& schedule) {
  const Sampler& sampler = *find_entry(samplers(), name);
  return affine_law({sampler, options_of(sampler, given), schedule}, variances());
}

/// The largest difference between the maps x(s_N) = A x(s_0) + b of two samplers.
double difference(const std::string& one, const std::string& other, const Schedule& schedule,
                  const GivenOptions& given_one = {}, const GivenOptions& given_other = {}) {
  const AffineLaw a = map_of(one, given_one, schedule), b = map_of(other, given_other, schedule);
  return std::max(largest_difference(a.start, b.start), largest_difference(a.mean, b.mean));
}

std::vector<Schedule> schedules_of_all_kinds() {
  return {make_schedule(karras_schedule(), 9, {}), make_schedule(vp_schedule(), 15, {}),
          make_schedule(scaled_linear_schedule(), 12, {}), levels_between(10, 0.1, 7, 1)};
}

constexpr double kRounding = 1e-13;

TEST_CASE("ode identities: Euler is DDIM, DPM-Solver-1, DEIS and LMS of one value") {
  for (const Schedule& schedule : schedules_of_all_kinds())
    for (const char* other : {"euler", "dpm-solver-1", "lms-1", "deis-1"}) {
      INFO(other << " " << schedule.name);
      CHECK(difference("ddim", other, schedule) < kRounding);
    }
}

TEST_CASE("ode identities: a first step of DPM-Solver++ and of UniPC's predictor is DDIM") {
  const Schedule one = levels_between(3, 1, 1, 1);
  for (const char* other : {"dpmpp-2m", "dpmpp-3m", "unipc-1", "unipc-3"})
    CHECK(difference("ddim", other, one) < kRounding);
}

TEST_CASE("ode identities: dpm2 is DPM-Solver-2 with r = 1/2") {
  for (const Schedule& schedule : schedules_of_all_kinds())
    CHECK(difference("dpm2", "dpm-solver-2", schedule) < kRounding);
}

TEST_CASE("ode identities: DEIS with a polynomial in s is LMS") {
  for (const Schedule& schedule : schedules_of_all_kinds()) {
    CHECK(difference("deis-2", "lms-2", schedule, {{"extrapolate-in", "s"}}) < kRounding);
    CHECK(difference("deis-3", "lms-3", schedule, {{"extrapolate-in", "s"}}) < kRounding);
    CHECK(difference("deis-2", "lms-2", schedule) > 1e-4);
  }
}

TEST_CASE("ode identities: gradient estimation with gamma 1 is DDIM, with 3/2 Adams-Bashforth") {
  for (const Schedule& schedule : schedules_of_all_kinds()) {
    CHECK(difference("gradient-estimation", "ddim", schedule, {{"gamma", "1"}}) < kRounding);
    CHECK(difference("gradient-estimation", "ghvb", schedule, {{"gamma", "1.5"}}, {{"order", "2"}}) < kRounding);
  }
}

TEST_CASE("ode identities: methods with momentum and no damping are one, and LMS on even levels") {
  for (const Schedule& schedule : schedules_of_all_kinds())
    for (const char* order : {"1", "2", "3", "4", "5"}) {
      CHECK(difference("ghvb", "heavy-ball", schedule, {{"order", order}}, {{"order", order}}) < 1e-12);
      CHECK(difference("ghvb", "nesterov", schedule, {{"order", order}}, {{"order", order}}) < 1e-12);
    }
  const Schedule even = levels_between(10, 2, 9, 1);
  CHECK(difference("ghvb", "lms-3", even, {{"order", "3"}}) < kRounding);
  CHECK(difference("ghvb", "lms-4", even, {{"order", "4"}}) < kRounding);
}

TEST_CASE("ode identities: heun, plms and s-pndm begin with the same step, improved Euler") {
  const Schedule one = levels_between(3, 1, 1, 1), two = levels_between(3, 1, 2, 1);
  CHECK(difference("heun", "plms", one) < kRounding);
  CHECK(difference("heun", "s-pndm", one) < kRounding);
  CHECK(difference("plms", "s-pndm", two) < kRounding);
}

TEST_CASE("ode identities: dpmpp-2m --solver-type heun is the exponential Adams method of two values of x0") {
  // x(b) = (b/a) x + int_0^h e^(v-h) (D_0 + (D_0 - D_-1) v / h_prev) dv, by quadrature.
  const Schedule two{"test", {}, {{1, 5}, {1, 2}, {1, 1}}};
  const AffineLaw got = map_of("dpmpp-2m", {{"solver-type", "heun"}}, two);
  for (std::size_t k = 0; k < variances().size(); ++k) {
    const auto gain = [&](double s) { return variances()[k] / (variances()[k] + s * s); };
    const double D0 = gain(5), x1 = 0.4 + 0.6 * D0, D1 = gain(2) * x1, h = std::log(2.0), before = std::log(2.5);
    double x2 = x1 / 2;
    const int n = 20000;
    for (int i = 0; i < n; ++i) {
      const double v = (i + 0.5) * h / n;
      x2 += std::exp(v - h) * (D1 + (D1 - D0) * v / before) * h / n;
    }
    CHECK(std::abs(got.start[k] - x2) < 1e-9);
  }
}

TEST_CASE("ode identities: UniPC's two B differ by less than the error of the order below") {
  const Schedule schedule = levels_between(10, 0.05, 80, INFINITY);
  const auto variants = [&](const char* name, const Schedule& along) {
    return difference(name, name, along, {{"variant", "bh1"}}, {{"variant", "bh2"}});
  };
  CHECK(variants("unipc-2", schedule) > 0);
  CHECK(variants("unipc-2", schedule) < error_of_map(unipc_sampler(1), {}, schedule));
}

TEST_CASE("phi: its integral, its recurrence, and no cancellation near 0") {
  CHECK(phi(1, 0) == 1);
  CHECK(phi(2, 0) == 0.5);
  CHECK(phi(3, 0) == doctest::Approx(1.0 / 6).epsilon(1e-15));
  CHECK(phi(2, 1e-9) == doctest::Approx(0.5 + 1e-9 / 6).epsilon(1e-15));
  for (const double z : {-30.0, -2.1, -1.9, -0.3, 1e-5, 0.7, 1.99, 2.01, 9.0})
    for (int k = 0; k < 4; ++k) {
      double factorial = 1;
      for (int j = 2; j <= k; ++j) factorial *= j;
      CHECK(phi(k + 1, z) * z + 1 / factorial == doctest::Approx(phi(k, z)).epsilon(1e-13));
    }
  double integral = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double t = (i + 0.5) / n;
    integral += std::exp((1 - t) * -0.8) * t * t / 2 / n;
  }
  CHECK(phi(3, -0.8) == doctest::Approx(integral).epsilon(1e-9));
}

TEST_CASE("adams_bashforth: the textbook coefficients") {
  const auto is = [](const std::vector<double>& w, const std::vector<double>& times, double by) {
    std::vector<double> expected;
    for (const double value : times) expected.push_back(value / by);
    return largest_difference(w, expected) < 1e-14;
  };
  CHECK(is(adams_bashforth(1), {1}, 1));
  CHECK(is(adams_bashforth(2), {3, -1}, 2));
  CHECK(is(adams_bashforth(3), {23, -16, 5}, 12));
  CHECK(is(adams_bashforth(4), {55, -59, 37, -9}, 24));
  CHECK(is(adams_bashforth(5), {1901, -2774, 2616, -1274, 251}, 720));
}

TEST_CASE("ghvb: the weights that its authors tabulate, and what they are for") {
  for (const double b : {0.1, 0.5, 0.8, 1.0}) {
    const std::vector<std::vector<double>> table{
        {b},
        {(2 + b) / 2, -(2 - b) / 2},
        {(18 + 5 * b) / 12, -(24 - 8 * b) / 12, (6 - b) / 12},
        {(46 + 9 * b) / 24, -(78 - 19 * b) / 24, (42 - 5 * b) / 24, -(10 - b) / 24},
        {(1650 + 251 * b) / 720, -(3420 - 646 * b) / 720, (2880 - 264 * b) / 720, -(1380 - 106 * b) / 720,
         (270 - 19 * b) / 720}};
    for (int k = 1; k <= 5; ++k) {
      std::vector<double> w = heavy_ball_weights(k, b), damped(static_cast<std::size_t>(k));
      for (double& value : w) value *= b;
      INFO("k " << k << " beta " << b);
      CHECK(largest_difference(w, table[static_cast<std::size_t>(k) - 1]) < 1e-13);
      // v of e(t) = t^q at t = 0, -1, ... after a long past; sum_j w_j v_(-j) / beta integrates t^q over [0, 1].
      for (int q = 0; q < k; ++q) {
        double sum = 0;
        for (int j = 0; j < k; ++j)
          for (int m = 0; m < 1500; ++m)
            sum += w[static_cast<std::size_t>(j)] * std::pow(1 - b, m) * std::pow(-(m + j), q);
        CHECK(sum == doctest::Approx(1.0 / (q + 1)).epsilon(1e-7));  // terms reach 1e6
      }
    }
  }
}

}  // namespace
}  // namespace noiseutils

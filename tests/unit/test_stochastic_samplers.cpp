#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "law_helpers.hpp"
#include "random/random.hpp"
#include "sample/reverse_steps.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

Schedule vp(std::int64_t steps) { return vp_levels(steps); }
Schedule log_grid(std::int64_t steps) { return log_levels(steps, 10, 0.05); }
Schedule karras_grid(std::int64_t steps) {
  Schedule schedule = make_schedule(karras_schedule(), steps + 1, {{"sigma-min", 0.05}, {"sigma-max", 10}, {"rho", 7}});
  schedule.levels.pop_back();
  return schedule;
}

struct TableRow {
  const char* name;
  GivenOptions options;
  double at_10, at_640;  ///< law_error
  double order;
};

// The errors are those of a transcription of the formulas into numpy, of the mean and the variance of a mode of x
// itself (not x / alpha) from step to step.
TEST_CASE("stochastic samplers: the exact error of the law along VP, 10 and 640 steps, and its order") {
  const std::vector<TableRow> rows = {
      {"ddpm", {{"variance", "large"}}, 4.61, 0.0274, 1.03},
      {"ddpm", {}, 0.862, 0.0701, 0.81},
      {"ancestral", {}, 4.61, 0.0274, 1.03},
      {"ddim-eta", {{"eta", "0"}}, 0.809, 0.0269, 0.97},
      {"euler-maruyama", {}, 4.96, 0.0283, 1.03},
      {"reverse-diffusion", {}, 5.01, 0.0293, 1.03},
      {"accelerated-ddpm", {}, 2.28, 4.42e-4, 2.00},
  };
  for (const TableRow& row : rows) {
    CAPTURE(std::string(row.name));
    CHECK(law_error(row.name, row.options, vp(10)) == doctest::Approx(row.at_10).epsilon(2e-3));
    CHECK(law_error(row.name, row.options, vp(640)) == doctest::Approx(row.at_640).epsilon(2e-3));
    CHECK(law_order(row.name, row.options, vp) == doctest::Approx(row.order).epsilon(6e-3));
  }
}

TEST_CASE("accelerated-ddpm: the errors of 20 to 320 steps along VP") {
  const std::vector<double> errors = {0.452, 0.111, 0.0281, 0.00707, 0.00177};
  std::int64_t steps = 20;
  for (const double error : errors) {
    CHECK(law_error("accelerated-ddpm", {}, vp(steps)) == doctest::Approx(error).epsilon(5e-3));
    steps *= 2;
  }
}

TEST_CASE("stochastic samplers: the exact error of the law along equal factors of s") {
  const std::vector<TableRow> rows = {
      {"euler-ancestral", {}, 0.382, 8.22e-3, 0.99},
      {"dpmpp-2s-sde", {}, 0.0542, 8.77e-6, 2.05},
      {"dpmpp-2m-sde", {}, 0.0693, 2.25e-5, 2.00},
      {"dpmpp-2m-sde", {{"solver-type", "heun"}}, 0.214, 4.55e-5, 2.01},
      {"dpmpp-3m-sde", {{"compat", "true"}}, 0.150, 1.49e-5, 2.01},
      {"dpmpp-3m-sde", {}, 0.189, 7.53e-6, 2.03},
  };
  for (const TableRow& row : rows) {
    CAPTURE(std::string(row.name));
    CHECK(law_error(row.name, row.options, log_grid(10)) == doctest::Approx(row.at_10).epsilon(3e-3));
    CHECK(law_error(row.name, row.options, log_grid(640)) == doctest::Approx(row.at_640).epsilon(3e-3));
    CHECK(law_order(row.name, row.options, log_grid) == doctest::Approx(row.order).epsilon(6e-3));
  }
}

TEST_CASE("stochastic samplers: the order that the registry tells, within 0.1") {
  const auto sub_vp = [](std::int64_t steps) { return vp_levels(steps, true); };
  const std::vector<std::int64_t> fine = {320, 640, 1280}, finer = {640, 1280, 2560};
  for (const std::string name :
       {"ddpm", "ddim-eta", "euler-ancestral", "dpmpp-sde-1", "dpmpp-2s-sde", "dpmpp-2m-sde", "dpmpp-3m-sde",
        "ancestral", "reverse-diffusion", "euler-maruyama", "accelerated-ddpm"}) {
    CAPTURE(name);
    const auto order = static_cast<double>(sampler_named(name).order);
    CHECK(std::abs(law_order(name, {}, log_grid, false, fine) - order) < 0.1);
    CHECK(std::abs(law_order(name, {}, karras_grid, false, name == "dpmpp-3m-sde" ? finer : fine) - order) < 0.1);
  }
  for (const std::string name : {"ancestral", "reverse-diffusion", "euler-maruyama", "accelerated-ddpm"}) {
    CAPTURE(name);
    const auto order = static_cast<double>(sampler_named(name).order);
    CHECK(std::abs(law_order(name, {}, vp, false, fine) - order) < 0.1);
    CHECK(std::abs(law_order(name, {}, sub_vp, false, fine) - order) < 0.1);
  }
}

TEST_CASE("euler-ancestral, ddim-eta, dpmpp-sde-1 and ddpm are one method; ancestral is ddpm of either variance") {
  const std::vector<double> lambda = {0, 0.02, 0.3, 4};
  for (const Schedule& schedule : {vp(12), log_grid(12), vp_levels(12, true)}) {
    const AffineLaw law = law_of("euler-ancestral", {}, schedule, lambda);
    CHECK(difference_of_laws(law, law_of("ddim-eta", {}, schedule, lambda)) < 1e-13 * schedule.s(0));
    CHECK(difference_of_laws(law, law_of("dpmpp-sde-1", {}, schedule, lambda)) < 1e-13 * schedule.s(0));
    CHECK(difference_of_laws(law, law_of("ddpm", {}, schedule, lambda)) < 1e-13 * schedule.s(0));
    const GivenOptions less = {{"eta", "0.6"}}, none = {{"eta", "0"}};
    CHECK(difference_of_laws(law_of("euler-ancestral", less, schedule, lambda),
                             law_of("ddim-eta", less, schedule, lambda)) < 1e-13 * schedule.s(0));
    const AffineLaw flow = law_of("ddim", {}, schedule, lambda);
    for (const char* name : {"euler-ancestral", "ddim-eta", "dpmpp-sde-1"})
      CHECK(difference_of_laws(flow, law_of(name, none, schedule, lambda)) < 1e-14 * schedule.s(0));
    const bool exploding = schedule.levels.front().alpha == 1;
    CHECK(difference_of_laws(law_of("ancestral", {}, schedule, lambda),
                             law_of("ddpm", {{"variance", exploding ? "small" : "large"}}, schedule, lambda)) == 0);
  }
}

TEST_CASE("ddpm, large variance: exact for N(0, I) along VP, whatever the number of steps") {
  for (const std::int64_t steps : {1, 3, 40}) {
    const Schedule schedule = vp(steps);
    const double start = 1 + schedule.s(0) * schedule.s(0), end = schedule.levels.back().relative();
    const AffineLaw law = law_of("ddpm", {{"variance", "large"}}, schedule, {1});
    CHECK(law.variance(0, start) == doctest::Approx(1 + end * end).epsilon(1e-12));
  }
}

TEST_CASE("a point is reached exactly, in law, by exponential integrators of the SDE and by ddpm, in any steps") {
  const std::vector<std::pair<const char*, GivenOptions>> exact = {
      {"ddpm", {}},         {"ddim-eta", {{"eta", "0.3"}}}, {"euler-ancestral", {{"eta", "0.7"}}},
      {"dpmpp-sde-1", {}},  {"dpmpp-2s-sde", {}},           {"dpmpp-2m-sde", {{"eta", "2"}}},
      {"dpmpp-3m-sde", {}},
  };
  for (const auto& entry : exact)
    for (const Schedule& schedule : {vp(4), log_grid(1), log_grid(7)}) {
      CAPTURE(std::string(entry.first));
      const double start = schedule.s(0), end = schedule.levels.back().relative();
      const AffineLaw law = law_of(entry.first, entry.second, schedule, {0});
      CHECK(law.start[0] + law.mean[0] == doctest::Approx(1).epsilon(1e-13));
      CHECK(law.variance(0, start * start) == doctest::Approx(end * end).epsilon(1e-12));
    }
}

TEST_CASE("all samplers return the last estimate, free of rounding, where s ends at 0: a point comes out as it is") {
  Schedule schedule = log_grid(5);
  schedule.levels.push_back({1, 0});
  for (const Sampler& sampler : samplers()) {
    if (!sampler.affine || !sampler.stochastic) continue;
    CAPTURE(sampler.name);
    const AffineLaw law = law_of(sampler.name, {}, schedule, {0});
    CHECK(law.start[0] == 0);
    CHECK(law.mean[0] == 1);
    for (const auto& draw : law.noise) CHECK(draw[0] == 0);
  }
}

TEST_CASE("dpmpp-2s-sde: both noises of a step are parts of one Brownian path in s") {
  // Of a point D does not depend on x: what is left is up w(a, b), of the noises of [a, m] and [m, b] by their lengths.
  const double a = 3, b = 0.5, m = std::sqrt(a * b);
  const AffineLaw law = law_of("dpmpp-2s-sde", {}, log_levels(1, a, b), {0});
  REQUIRE(law.noise.size() == 2);
  const double up = noise_split(a, b, 1).up;
  CHECK(law.noise[0][0] == doctest::Approx(up * std::sqrt((a - m) / (a - b))).epsilon(1e-14));
  CHECK(law.noise[1][0] == doctest::Approx(up * std::sqrt((m - b) / (a - b))).epsilon(1e-14));
  CHECK(std::hypot(law.noise[0][0], law.noise[1][0]) ==
        doctest::Approx(b * std::sqrt(1 - b * b / (a * a))).epsilon(1e-14));
}

TEST_CASE("dpmpp-3m-sde without noise: order 3 from an exact history; the difference of public code: 2") {
  CHECK(std::abs(law_order("dpmpp-3m-sde", {{"eta", "0"}}, log_grid, true) - 3) < 0.1);
  CHECK(std::abs(law_order("dpmpp-3m-sde", {{"eta", "0"}, {"compat", "true"}}, log_grid, true) - 2) < 0.1);
}

TEST_CASE("edm-churn: order 2 where the steps outnumber S / 0.414; noise that grows with the steps never converges") {
  const auto inside = [](const std::string& churn) {
    return GivenOptions{{"churn", churn}, {"churn-min", "0"}, {"churn-max", "1000"}};
  };
  CHECK(std::abs(law_order("edm-churn", inside("0"), log_grid) - 2) < 0.1);
  CHECK(std::abs(law_order("edm-churn", inside("20"), log_grid) - 2) < 0.1);
  // With 40 / N >= 0.414 more noise is as much noise.
  const std::vector<double> lambda = {0.3};
  CHECK(difference_of_laws(law_of("edm-churn", inside("40"), log_grid(96), lambda),
                           law_of("edm-churn", inside("1e6"), log_grid(96), lambda)) == 0);
  CHECK(difference_of_laws(law_of("edm-churn", inside("40"), log_grid(97), lambda),
                           law_of("edm-churn", inside("1e6"), log_grid(97), lambda)) > 0);
  CHECK(law_order("edm-churn", inside("1e9"), log_grid) < 0.5);
}

TEST_CASE(
    "edm-churn without noise is Heun's method: each mode is multiplied by 1 + (b - a) (f_a + f_b + (b - a) f_a f_b) / "
    "2") {
  const std::vector<double> lambda = {0.1, 2};
  const Schedule schedule = log_grid(9);
  const AffineLaw law = law_of("edm-churn", {{"churn", "0"}}, schedule, lambda);
  CHECK(law.noise.empty());
  for (std::size_t k = 0; k < lambda.size(); ++k) {
    double product = 1;
    for (std::int64_t i = 0; i < 9; ++i) {
      const double a = schedule.s(i), b = schedule.s(i + 1);
      const double fa = a / (lambda[k] + a * a), fb = b / (lambda[k] + b * b);
      product *= 1 + (b - a) * (fa + fb + (b - a) * fa * fb) / 2;
    }
    CHECK(law.start[k] == doctest::Approx(product).epsilon(1e-13));
  }
}

TEST_CASE("edm-churn adds noise between churn-min and churn-max alone") {
  const Schedule schedule = log_grid(10);
  std::int64_t inside = 0;
  for (std::int64_t i = 0; i < 10; ++i) inside += schedule.s(i) >= 0.1 && schedule.s(i) <= 2 ? 1 : 0;
  const AffineLaw law = law_of("edm-churn", {{"churn-min", "0.1"}, {"churn-max", "2"}}, schedule, {1});
  CHECK(static_cast<std::int64_t>(law.noise.size()) == inside);
}

TEST_CASE("euler-maruyama: the integrals of a step are those of VE and VP exactly, of sub-VP to second order") {
  const NoiseLevel t{1, 3}, s{1, 2};
  const ReverseStep exploding = euler_maruyama_step(t, s), reverse = reverse_diffusion_step(t, s);
  CHECK(exploding.noise == doctest::Approx(std::sqrt(5)).epsilon(1e-15));  // sqrt(a^2 - b^2)
  CHECK(exploding.state == doctest::Approx(reverse.state).epsilon(1e-15));
  for (const std::int64_t i : {0, 5, 9}) {
    const auto at = static_cast<std::size_t>(i);
    const auto levels = vp(10).levels, sub = vp_levels(10, true).levels;
    const double beta = 2 * std::log(levels[at + 1].alpha / levels[at].alpha);
    const ReverseStep step = euler_maruyama_step(levels[at], levels[at + 1]);
    CHECK(step.noise * levels[at + 1].alpha == doctest::Approx(std::sqrt(beta)).epsilon(1e-12));
    // of a point at 0: x + beta x / 2 - beta x / sigma^2, in units of x
    const double sigma = levels[at].sigma, alpha = levels[at].alpha;
    CHECK(step.state * levels[at + 1].alpha / alpha ==
          doctest::Approx(1 + beta / 2 - beta / (sigma * sigma)).epsilon(1e-11));
  }
  // int g^2 dt of sub-VP over short steps: g^2 dt = (1 - e^-2B) dB
  const auto levels = vp_levels(2000, true).levels;
  const NoiseLevel from = levels[1000], to = levels[1001];
  const double B = -2 * std::log(from.alpha), dB = B + 2 * std::log(to.alpha);
  const double integral = dB + (std::exp(-2 * B) - std::exp(-2 * (B - dB))) / 2;
  const double noise = euler_maruyama_step(from, to).noise * to.alpha;
  CHECK(noise * noise == doctest::Approx(integral).epsilon(1e-4));
}

TEST_CASE("annealed-langevin: the variance by the recursion V <- (1 - e / V_i)^2 V + 2 e, and the mean") {
  Schedule schedule = log_levels(20, 8, 0.1);
  const std::vector<double> lambda = {0.05, 1};
  const double E = 0.1;
  const GivenOptions given = {{"step-size", "0.1"}, {"langevin-steps", "3"}};
  for (const bool to_zero : {false, true}) {
    if (to_zero) schedule.levels.push_back({1, 0});
    const AffineLaw law = law_of("annealed-langevin", given, schedule, lambda);
    for (std::size_t k = 0; k < lambda.size(); ++k) {
      double variance = 64, kept = 1;
      for (const NoiseLevel& level : schedule.levels) {
        if (level.sigma == 0) continue;
        const double s2 = level.sigma * level.sigma, e = E * s2, factor = 1 - e / (lambda[k] + s2);
        for (int n = 0; n < 3; ++n) {
          variance = factor * factor * variance + 2 * e;
          kept *= factor;
        }
      }
      const double last = to_zero ? lambda[k] / (lambda[k] + 0.01) : 1;
      CHECK(law.variance(k, 64) == doctest::Approx(last * last * variance).epsilon(1e-12));
      CHECK(law.start[k] == doctest::Approx(last * kept).epsilon(1e-10));
      CHECK(law.start[k] + law.mean[k] == doctest::Approx(1).epsilon(1e-12));
    }
  }
}

TEST_CASE("annealed-langevin: at one level the fixed point is V / (1 - e / (2 V))") {
  const Schedule schedule = log_levels(1, 1, 1 - 1e-12);
  const double V = 1.5, e = 0.3;  // lambda 0.5
  const AffineLaw law = law_of("annealed-langevin", {{"step-size", "0.3"}, {"langevin-steps", "200"}}, schedule, {0.5});
  CHECK(law.variance(0, 1) == doctest::Approx(V / (1 - e / (2 * V))).epsilon(1e-10));
}

TEST_CASE("samplers with noise: samples have the law that affine_law tells, in model coordinates or not") {
  const SmallLaw law(4, {2, 0.3}, 0.05);
  const Schedule schedule = log_levels(6, 5, 0.1);
  const std::size_t count = 4000, d = 4;
  const auto target = target_of(law);
  for (const std::string name : {"ddpm", "dpmpp-2s-sde", "edm-churn"}) {
    const Sampler& sampler = sampler_named(name);
    const AffineLaw expected = law_of(name, {}, schedule, {2, 0.3, 0.05, 0.05});
    for (const Stepping stepping : {Stepping::shortest, Stepping::one_by_one}) {
      CAPTURE(name);
      SamplingPlan plan{sampler, options_of(sampler), schedule};
      plan.stepping = stepping;
      std::vector<double> x(count * d);
      std::vector<SampleFacts> facts(count);
      sample_maker(*target, plan)->make(SampleBatch<double>{0, x, &facts});
      for (std::size_t k = 0; k < d; ++k) {
        double centre = 0, sum = 0, squares = 0;
        for (std::size_t i = 0; i < d; ++i) centre += law.direction(k)[i] * law.mean()[i];
        centre *= expected.mean[k];
        for (std::size_t v = 0; v < count; ++v) {
          double c = -centre;
          for (std::size_t i = 0; i < d; ++i) c += law.direction(k)[i] * x[v * d + i];
          sum += c, squares += c * c;
        }
        const double n = static_cast<double>(count), variance = expected.variance(k, 25);
        CHECK(std::abs(sum / n) < 4.5 * std::sqrt(variance / n));
        CHECK(std::abs(squares / n / variance - 1) < 4.5 * std::sqrt(2 / n));
      }
    }
  }
}

}  // namespace
}  // namespace noiseutils

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "noise/forward_process.hpp"
#include "noise/schedule_options.hpp"
#include "random/random.hpp"
#include "sampler_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

ForwardProcess process(const char* name, const ScheduleParameters& parameters = {}) {
  return {*find_entry(schedule_families(), name), parameters};
}
double retained(const ForwardProcess& process, double t) {
  const NoiseLevel level = process.level(t);
  return level.alpha * level.alpha;
}
/// To as many digits as a published constant has.
doctest::Approx about(double value, double relative = 1e-7) { return doctest::Approx(value).epsilon(relative); }

std::vector<std::int64_t> times(Spacing spacing, std::int64_t count = 10) { return spaced_times(spacing, 1000, count); }

TEST_CASE("schedules: every family has a name of its own, a source, and defaults that fit") {
  std::set<std::string> names;
  for (const ScheduleFamily& family : schedule_families()) {
    INFO(family.name);
    CHECK(names.insert(family.name).second);
    CHECK_FALSE(family.summary.empty());
    CHECK_FALSE(family.source.empty());
    CHECK((family.at == nullptr) == (family.chain != nullptr));
    const Schedule schedule = make_schedule(family, 18, {});
    CHECK(schedule.steps() == 18);
    CHECK(schedule.s(18) == 0);
  }
}

TEST_CASE("schedules: log SNR falls with time, and of those that preserve variance alpha^2 + sigma^2 = 1") {
  for (const ScheduleFamily& family : schedule_families()) {
    INFO(family.name);
    const ForwardProcess process(family, {});
    const bool preserves = find_entry(family.options, "input-scale") != nullptr;
    double before = INFINITY;
    for (int i = 0; i <= 100; ++i) {
      const double t = process.is_discrete() ? std::floor(9.99 * i) : i / 100.0;
      const NoiseLevel level = process.level(t);
      CHECK((level.log_snr() < before || std::fabs(level.log_snr()) == INFINITY || std::fabs(level.log_snr()) > 14.99));
      CHECK(level.log_snr() <= before);
      before = level.log_snr();
      if (preserves && family.name != "sub-vp")
        CHECK(level.alpha * level.alpha + level.sigma * level.sigma == about(1, 1e-9));
    }
  }
}

TEST_CASE("linear: the chain of DDPM") {
  const ForwardProcess linear = process("linear");
  CHECK(linear.times() == 1000);
  CHECK(linear.beta(0) == 1e-4);
  CHECK(linear.beta(999) == 0.02);
  CHECK(retained(linear, 0) == about(0.9999, 1e-12));
  CHECK(retained(linear, 499) == about(0.07858724));
  CHECK(retained(linear, 999) == about(4.035830e-5));
  CHECK(linear.level(0).relative() == about(0.010001, 1e-6));
  CHECK(linear.level(999).relative() == about(157.40728));
  // Fewer times retain as much at the end, nearly: the sum of the betas is the same.
  double sum = 0;
  const ForwardProcess fewer = process("linear", {{"timesteps", 100}});
  for (int i = 0; i < 100; ++i) sum += fewer.beta(i);
  CHECK(sum == about(1000 * (1e-4 + 0.02) / 2, 1e-12));
  CHECK_THROWS_AS(process("linear", {{"timesteps", 10}}), UsageError);
}

TEST_CASE("scaled-linear, and zero-snr made of it") {
  const ForwardProcess scaled = process("scaled-linear"), zero = process("zero-snr");
  CHECK(retained(scaled, 999) == about(4.660099e-3));
  CHECK(scaled.level(0).relative() == about(0.029167, 1e-5));
  CHECK(scaled.level(999).relative() == about(14.61464));
  CHECK(retained(zero, 0) == about(0.99915, 1e-12));
  CHECK(retained(zero, 499) == about(0.24235917));
  CHECK(zero.level(999).alpha == 0);
  CHECK(zero.level(999).sigma == 1);
  CHECK(zero.level(999).log_snr() == -INFINITY);
  CHECK(zero.beta(999) == 1);
  CHECK(zero.beta(0) == about(0.00085, 1e-10));
}

TEST_CASE("cosine: betas are clipped at the end") {
  const ForwardProcess cosine = process("cosine");
  CHECK(retained(cosine, 0) == about(0.99995872, 1e-8));
  CHECK(retained(cosine, 499) == about(0.49384359));
  CHECK(retained(cosine, 999) == about(2.43e-9, 2e-3));
  CHECK(cosine.beta(999) == 0.999);
  CHECK(cosine.beta(998) == about(0.75, 1e-4));
  CHECK(cosine.level(999).relative() == about(20291, 1e-4));
}

TEST_CASE("cosine-gamma, cosine-simple and sigmoid") {
  const ForwardProcess gamma = process("cosine-gamma");
  CHECK(retained(gamma, 0.25) == about(0.85355339));
  CHECK(retained(gamma, 0.5) == about(0.5, 1e-14));
  CHECK(gamma.level(0).sigma == 0);
  CHECK(gamma.level(0).alpha == 1);
  CHECK(retained(gamma, 1) == about(1e-9, 1e-12));
  // tau = 2 with start 0 and end 1 is cos^4.
  CHECK(retained(process("cosine-gamma", {{"tau", 2}}), 0.5) == about(0.25, 1e-14));
  CHECK(retained(process("sigmoid"), 0.25) == about(0.85085355));
  CHECK(retained(process("sigmoid", {{"tau", 0.9}}), 0.25) == about(0.86637029));
  CHECK(retained(process("sigmoid", {{"tau", 1.1}}), 0.25) == about(0.83782336));
  CHECK(retained(process("sigmoid"), 0.5) == about(0.5, 1e-14));
  CHECK_THROWS_AS(process("sigmoid", {{"start", 3}, {"end", 3}}).level(0.5), UsageError);
  CHECK(process("cosine-simple").level(0.5).alpha == about(std::cos(0.5002 / 1.00025 * std::acos(0.0)), 1e-14));
}

TEST_CASE("ve, vp and sub-vp of stochastic differential equations") {
  const ForwardProcess ve = process("ve");
  CHECK(ve.level(0).sigma == 0.01);
  CHECK(ve.level(1).sigma == 50);
  CHECK(ve.level(0.5).sigma == about(std::sqrt(0.5), 1e-14));
  const ForwardProcess vp = process("vp");
  CHECK(vp.level(1).alpha == about(0.0065715865, 1e-8));
  CHECK(vp.level(0.5).relative() == about(3.412918));
  CHECK(vp.level(1e-9).sigma == about(std::sqrt(1e-10), 1e-8));  // no digits lost where 1 - exp(-B) would lose them
  const ForwardProcess sub = process("sub-vp");
  CHECK(sub.level(0.5).sigma == about(0.9209362));
  CHECK(sub.level(0.5).alpha == vp.level(0.5).alpha);
  CHECK(sub.level(0.3).sigma == about(std::pow(vp.level(0.3).sigma, 2), 1e-14));
}

TEST_CASE("laplace, cauchy and cosine-snr: quantiles of a law of log SNR") {
  const ForwardProcess laplace = process("laplace"), cauchy = process("cauchy", {{"logsnr-spread", 0.7}});
  CHECK(laplace.level(0.1).log_snr() == about(0.80471896));
  CHECK(laplace.level(0.25).log_snr() == about(0.34657359));
  CHECK(std::fabs(laplace.level(0.5).log_snr()) < 1e-14);
  CHECK(cauchy.level(0.25).log_snr() == about(0.7, 1e-13));
  CHECK(cauchy.level(0.75).log_snr() == about(-0.7, 1e-13));
  CHECK(process("cosine-snr").level(0.1).log_snr() == about(3.68546, 1e-6));
  for (const char* name : {"laplace", "cauchy", "cosine-snr"}) {
    CHECK(process(name).level(0).log_snr() == about(15, 1e-6));
    CHECK(process(name).level(1).log_snr() == about(-15, 1e-6));
    CHECK(process(name, {{"logsnr-mean", 2}}).level(0.4).log_snr() ==
          about(process(name).level(0.4).log_snr() + 2, 1e-12));
  }
  // t uniform: the variance of the Laplace law is 2 b^2, its mean size b.
  double square = 0, size = 0;
  const int n = 20000;
  for (int i = 0; i < n; ++i) {
    const double value = laplace.level((i + 0.5) / n).log_snr();
    square += value * value / n;
    size += std::fabs(value) / n;
  }
  CHECK(square == about(2 * 0.25, 2e-3));
  CHECK(size == about(0.5, 2e-4));
}

TEST_CASE("input scale: s becomes s / b, log SNR rises by 2 log b") {
  for (const char* name : {"linear", "sigmoid", "vp"}) {
    const double t = name == std::string("linear") ? 300 : 0.3;
    const NoiseLevel plain = process(name).level(t), scaled = process(name, {{"input-scale", 0.25}}).level(t);
    CHECK(scaled.relative() == about(plain.relative() * 4, 1e-15));
    CHECK(scaled.log_snr() == about(plain.log_snr() + 2 * std::log(0.25), 1e-13));
    CHECK(scaled.sigma == plain.sigma);
  }
}

TEST_CASE("times outside of a schedule are refused") {
  for (const double t : {-1e-9, 1 + 1e-9, double(NAN)}) CHECK_THROWS_AS(process("vp").level(t), UsageError);
  for (const double t : {-1.0, 0.5, 1000.0, double(NAN)}) CHECK_THROWS_AS(process("linear").level(t), UsageError);
  CHECK_THROWS_AS(process("ve", {{"sigma-min", 60}}).level(0.5), UsageError);
  CHECK_THROWS_AS(process("vp", {{"beta-max", -1}}), UsageError);
}

TEST_CASE("spacing: which of 1000 times ten steps visit") {
  CHECK(times(Spacing::leading) == std::vector<std::int64_t>{900, 800, 700, 600, 500, 400, 300, 200, 100, 0});
  CHECK(times(Spacing::linspace) == std::vector<std::int64_t>{999, 888, 777, 666, 555, 444, 333, 222, 111, 0});
  CHECK(times(Spacing::trailing) == std::vector<std::int64_t>{999, 899, 799, 699, 599, 499, 399, 299, 199, 99});
  CHECK(times(Spacing::quadratic) == std::vector<std::int64_t>{800, 632, 483, 355, 246, 158, 88, 39, 9, 0});
  CHECK(times(Spacing::linspace, 1) == std::vector<std::int64_t>{999});
  CHECK(times(Spacing::trailing, 1000).back() == 0);
  CHECK_THROWS_AS(spaced_times(Spacing::linspace, 10, 11), UsageError);
}

TEST_CASE("spacing by level: the ends of the schedule, equal steps of s^(1/rho) or log s between them") {
  for (const ScheduleFamily& family : schedule_families()) {
    INFO(family.name);
    const std::int64_t N = 9;
    const Schedule plain = make_schedule(family, N, {});
    const std::int64_t first = std::isfinite(plain.s(0)) ? 0 : 1;
    for (const Spacing spacing : {Spacing::karras, Spacing::log}) {
      const Schedule spaced = make_schedule(family, N, {}, spacing, 3);
      REQUIRE(spaced.steps() == N);
      CHECK(spaced.s(first) == plain.s(first));
      CHECK(spaced.s(N - 1) == plain.s(N - 1));
      CHECK(spaced.s(N) == 0);
      const auto place = [&](std::int64_t i) {
        return spacing == Spacing::log ? std::log(spaced.s(i)) : std::cbrt(spaced.s(i));
      };
      const double step = (place(N - 1) - place(first)) / static_cast<double>(N - 1 - first);
      for (std::int64_t i = first; i + 1 < N; ++i) CHECK(place(i + 1) - place(i) == about(step, 1e-9));
    }
  }
}

TEST_CASE("spacing by level: the levels are of the process") {
  for (const char* name : {"vp", "scaled-linear", "sub-vp", "cosine-snr", "ve"}) {
    INFO(name);
    const ScheduleParameters parameters =
        name == std::string("ve") ? ScheduleParameters{} : ScheduleParameters{{"input-scale", 0.5}};
    const ForwardProcess forward = process(name, parameters);
    for (const double part : {0.2, 0.5, 0.7}) {
      const NoiseLevel level = forward.level(forward.is_discrete() ? 1000 * part : part);
      const NoiseLevel found = forward.level_of_relative(level.relative());
      CHECK(found.alpha == about(level.alpha, 1e-10));
      CHECK(found.relative() == about(level.relative(), 1e-14));
    }
  }
  // The schedule karras spaced as itself, and once more as ve is.
  const Schedule own = make_schedule(karras_schedule(), 12, {{"rho", 5}});
  const Schedule again = make_schedule(karras_schedule(), 12, {}, Spacing::karras, 5);
  for (std::int64_t i = 0; i <= 12; ++i) CHECK(again.s(i) == about(own.s(i), 1e-14));
  CHECK(again.parameters == own.parameters);
  const Schedule even = make_schedule(ve_schedule(), 12, {}, Spacing::log), ve = make_schedule(ve_schedule(), 12, {});
  for (std::int64_t i = 0; i <= 12; ++i) CHECK(even.s(i) == about(ve.s(i), 1e-12));
  // Too few levels to space.
  CHECK(make_schedule(vp_schedule(), 1, {}, Spacing::log).steps() == 1);
  CHECK(make_schedule(zero_snr_schedule(), 1, {}, Spacing::karras).steps() == 1);
}

TEST_CASE("schedule options: each once; another schedule's is refused") {
  std::set<std::string> names;
  for (const OptionSpec& option : schedule_options()) CHECK(names.insert(option.name).second);
  const auto options = schedule_options();
  const OptionSpec& sigma_min = *find_entry(options, "sigma-min");
  CHECK(sigma_min.fallback.empty());
  CHECK(sigma_min.help.find("0.002 (karras), 0.01 (ve)") != std::string::npos);
  CHECK(find_entry(options, "rho")->fallback == "7");
  OptionValues values;
  for (const OptionSpec& option : options)
    values.set(option, option.name == "beta-max" ? std::vector<std::string>{"10"} : std::vector<std::string>{});
  CHECK(schedule_parameters(vp_schedule(), values) == ScheduleParameters{{"beta-max", 10}});
  CHECK_THROWS_AS(schedule_parameters(karras_schedule(), values), UsageError);
  CHECK_THROWS_AS(process("linear", schedule_parameters(linear_schedule(), values)), UsageError);
}

TEST_CASE("ddim from an infinite sigma: mean + s_1 n, then the steps from there") {
  const SmallLaw law(6, {2, 0.7, 0.3}, 0.01);
  std::vector<double> n(6), start(6), got(6);
  fill_normal({5, Purpose::sampler, 0, 0}, 0, n);
  const Schedule whole = make_schedule(zero_snr_schedule(), 12, {});
  REQUIRE(std::isinf(whole.s(0)));
  Schedule rest = whole;
  rest.levels.erase(rest.levels.begin());
  for (std::size_t e = 0; e < n.size(); ++e) start[e] = law.mean()[e] / rest.s(0) + n[e];
  const auto expected = run_from_normals<double>(law, ddim_sampler(), rest, Stepping::one_by_one, start);
  const auto target = target_of(law);
  std::vector<SampleFacts> facts(1);
  for (const Stepping stepping : {Stepping::one_by_one, Stepping::shortest}) {
    SamplingPlan plan{ddim_sampler(), {}, whole, 5};
    plan.stepping = stepping;
    sample_maker(*target, plan)->make(SampleBatch<double>{0, got, &facts});
    CHECK(largest_difference(got, expected) < 1e-13);
  }
}

}  // namespace
}  // namespace noiseutils

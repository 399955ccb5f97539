#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "base/error.hpp"
#include "law_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/guidance.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

/// N(0, v) of one dimension.
class ScalarTarget : public Target {
 public:
  explicit ScalarTarget(double v) : Target("D", {1}), v_(v) {}
  void denoise(double s, std::span<const float> x, std::span<float> x0) override { apply(s, x, x0); }
  void denoise(double s, std::span<const double> x, std::span<double> x0) override { apply(s, x, x0); }
  std::string description() const override { return "{}"; }

 private:
  template <class T>
  void apply(double s, std::span<const T> x, std::span<T> x0) const {
    for (std::size_t e = 0; e < x.size(); ++e) x0[e] = static_cast<T>(v_ / (v_ + s * s)) * x[e];
  }
  double v_;
};

class ForbiddenTarget : public ScalarTarget {
 public:
  ForbiddenTarget() : ScalarTarget(1) {}
  void denoise(double, std::span<const float>, std::span<float>) override { throw std::logic_error("asked"); }
  void denoise(double, std::span<const double>, std::span<double>) override { throw std::logic_error("asked"); }
};

/// The law N(0, 2) and its class N(0, 1), guided.
GuidedTarget example(double weight) {
  return {std::make_unique<ScalarTarget>(1), std::make_unique<ScalarTarget>(2), weight};
}

/// The variance of what a sampler makes of N(0, s_0^2), exactly: it runs on the coefficients of the start and of each
/// draw.
double variance_of(const std::string& name, const GivenOptions& given, GuidedTarget target, const Schedule& schedule) {
  const Sampler& sampler = sampler_named(name);
  const OptionValues options = options_of(sampler, given);
  std::size_t draws = 0;
  const auto run_on = [&](std::vector<double>& x) {
    draws = 0;
    SamplerRun<double> run{[&](double s, std::span<const double> y, std::span<double> x0) { target.denoise(s, y, x0); },
                           schedule, options};
    run.normals = [&](std::span<double> z) {
      std::fill(z.begin(), z.end(), 0.0);
      ++draws;
      if (draws < z.size()) z[draws] = 1;
    };
    run.target = &target;
    sampler.run_double(run, x);
  };
  std::vector<double> x = {1};
  run_on(x);
  x.assign(1 + draws, 0.0);
  x[0] = 1;
  run_on(x);
  double variance = x[0] * x[0] * schedule.s(0) * schedule.s(0);
  for (std::size_t j = 1; j < x.size(); ++j) variance += x[j] * x[j];
  return variance;
}

/// Of methods of order 1, without the leading term of the error in 1 / N.
double extrapolated_variance(const std::string& name, const GivenOptions& given, double weight, std::int64_t steps) {
  const auto at = [&](std::int64_t n) { return variance_of(name, given, example(weight), log_levels(n, 1000, 1e-3)); };
  return 2 * at(2 * steps) - at(steps);
}

TEST_CASE("guidance: the flow of N(0, 2) guided to N(0, 1) has the variance 2^(1 - W)") {
  for (const double w : {0.0, 1.0, 1.5, 3.0}) {
    CHECK(extrapolated_variance("ddim", {}, w, 1000) == doctest::Approx(std::pow(2, 1 - w)).epsilon(1e-4));
    CHECK(variance_of("dpmpp-2m-sde", {{"eta", "0"}}, example(w), log_levels(2000, 1000, 1e-3)) ==
          doctest::Approx(std::pow(2, 1 - w)).epsilon(1e-4));
  }
}

TEST_CASE("guidance: with noise the variance is (2 - 2^(2 - 2 W)) / (2 W - 1), neither that nor p^(1-W) p_c^W") {
  for (const double w : {1.0, 1.5, 3.0}) {
    const double expected = (2 - std::pow(2, 2 - 2 * w)) / (2 * w - 1);
    CHECK(extrapolated_variance("ddpm", {}, w, 700) == doctest::Approx(expected).epsilon(3e-4));
    CHECK(variance_of("dpmpp-2m-sde", {}, example(w), log_levels(1500, 1000, 1e-3)) ==
          doctest::Approx(expected).epsilon(1e-4));
    if (w > 1) CHECK(std::abs(expected - 2 / (w + 1)) > 0.04);
  }
}

TEST_CASE("pc-guidance: one corrector of weight 2 W - 1 is DDPM of the guidance W") {
  for (const double w : {1.0, 1.5, 2.0}) {
    const double expected = (2 - std::pow(2, 2 - 2 * w)) / (2 * w - 1);
    CHECK(extrapolated_variance("pc-guidance", {}, 2 * w - 1, 700) == doctest::Approx(expected).epsilon(1e-3));
  }
}

TEST_CASE("pc-guidance: many correctors sample p^(1-W) p_c^W, of variance 2 / (W + 1)") {
  const double limit = 0.5;  // W = 3
  std::vector<double> errors;
  for (const char* correctors : {"1", "8", "64"})
    errors.push_back(variance_of("pc-guidance", {{"correctors", correctors}}, example(3), log_levels(60, 30, 1e-2)) -
                     limit);
  CHECK(errors[0] > 0.05);
  CHECK(std::abs(errors[1]) < errors[0] / 3);
  CHECK(std::abs(errors[2]) < 0.006);
}

TEST_CASE("pc-guidance without correctors is ddim for the class") {
  const Schedule schedule = log_levels(12, 9, 0.1);
  CHECK(variance_of("pc-guidance", {{"correctors", "0"}}, example(5), schedule) ==
        variance_of("ddim", {}, example(1), schedule));
}

TEST_CASE("guidance: of weights 0 and 1 one law alone is asked, and known") {
  const std::vector<double> x = {2};
  std::vector<double> x0(1);
  GuidedTarget of_class(std::make_unique<ScalarTarget>(1), std::make_unique<ForbiddenTarget>(), 1);
  of_class.denoise(1, std::span<const double>(x), std::span<double>(x0));
  CHECK(x0[0] == 1);
  GuidedTarget of_none(std::make_unique<ForbiddenTarget>(), std::make_unique<ScalarTarget>(1), 0);
  of_none.denoise(1, std::span<const double>(x), std::span<double>(x0));
  CHECK(x0[0] == 1);
  const MixtureModel mixture = random_mixture(4, {2, 4, 1}, {0.1, 0, 0.3}, 1);
  const std::shared_ptr<const Model> model(std::shared_ptr<const Model>(), &mixture);
  CHECK(guided_target(model, "2", 1)->model() == &mixture.component(2));
  CHECK(guided_target(model, "2", 0)->model() == &mixture);
  CHECK(guided_target(model, "2", 1.5)->model() == nullptr);
}

TEST_CASE("guidance of a mixture: D is (1 - W) of all, and W of the component") {
  const MixtureModel mixture = random_mixture(4, {2, 4, 1}, {0.1, 0, 0.3}, 1);
  const std::shared_ptr<const Model> model(std::shared_ptr<const Model>(), &mixture);
  const std::vector<double> x = test_normals(4 * 5, 77);
  std::vector<double> guided(x.size()), all(x.size()), one(x.size());
  guided_target(model, "1", 2.5)->denoise(0.7, std::span<const double>(x), std::span<double>(guided));
  mixture.denoise(0.7, std::span<const double>(x), std::span<double>(all));
  mixture.component(1).denoise(0.7, std::span<const double>(x), std::span<double>(one));
  for (std::size_t e = 0; e < x.size(); ++e) CHECK(guided[e] == doctest::Approx(2.5 * one[e] - 1.5 * all[e]));
}

TEST_CASE("guidance: classes that a model has not are refused") {
  const MixtureModel mixture = random_mixture(4, {2, 4, 1}, {0.1, 0, 0.3}, 1);
  const std::shared_ptr<const Model> model(std::shared_ptr<const Model>(), &mixture);
  for (const char* label : {"3", "-1", "cat", "1.5"}) CHECK_THROWS_AS(guided_target(model, label, 2), UsageError);
  const SmallLaw law(3, {1}, 0.1);
  CHECK_THROWS_AS(guided_target(std::shared_ptr<const Model>(std::shared_ptr<const Model>(), &law), "0", 2),
                  UsageError);
  const auto guided = guided_target(model, "0", 2);
  CHECK_THROWS_AS(sample_maker(*guided, {exact_sampler(), {}, log_levels(2, 1, 0.1)}), UsageError);
}

}  // namespace
}  // namespace noiseutils

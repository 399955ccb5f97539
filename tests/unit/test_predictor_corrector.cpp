#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "law_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

/// N(1, v I) in many dimensions, known by its denoiser alone.
class IsotropicTarget : public Target {
 public:
  IsotropicTarget(std::int64_t dim, double v) : Target("D", {dim}), v_(v) {}
  void denoise(double s, std::span<const float> x, std::span<float> x0) override { apply(s, x, x0); }
  void denoise(double s, std::span<const double> x, std::span<double> x0) override { apply(s, x, x0); }
  std::string description() const override { return "{}"; }

 private:
  template <class T>
  void apply(double s, std::span<const T> x, std::span<T> x0) const {
    const T gain = static_cast<T>(v_ / (v_ + s * s));
    for (std::size_t e = 0; e < x.size(); ++e) x0[e] = 1 + gain * (x[e] - 1);
  }
  double v_;
};

std::vector<double> samples_of(Target& target, const Schedule& schedule, const GivenOptions& given, std::int64_t first,
                               std::size_t count, std::vector<SampleFacts>* told = nullptr) {
  const Sampler& sampler = sampler_named("predictor-corrector");
  std::vector<double> x(count * static_cast<std::size_t>(target.dim()));
  std::vector<SampleFacts> facts(count);
  sample_maker(target, {sampler, options_of(sampler, given), schedule})->make(SampleBatch<double>{first, x, &facts});
  if (told != nullptr) *told = facts;
  return x;
}

/// Mean square distance from 1, an element.
double spread(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += (value - 1) * (value - 1);
  return sum / static_cast<double>(x.size());
}

/// Its value in many dimensions, where |z|^2 / d and |g|^2 / d are their means: data N(1, v I), one corrector a level,
/// reverse diffusion along VE, the last step without noise.
double large_dimension_variance(const Schedule& schedule, double v, double r) {
  double variance = v + schedule.s(0) * schedule.s(0);
  for (std::int64_t i = 0; i < schedule.steps(); ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1), total = v + a * a;
    const double step = 2 * r * r * total * total / variance;  // |g|^2 / d = variance / total^2
    if (r > 0) variance = (1 - step / total) * (1 - step / total) * variance + 2 * step;
    const double added = a * a - b * b, kept = 1 - added / total;
    variance = kept * kept * variance + (i + 1 < schedule.steps() ? added : 0);
  }
  return variance;
}

TEST_CASE("predictor-corrector: the corrector's fixed point is (1 + r^2) V in many dimensions") {
  // At the fixed point epsilon = 2 r^2 V^2 / V', and V' = V / (1 - epsilon / (2 V)), so that V' = V + r^2 V.
  const std::int64_t d = 600;
  IsotropicTarget law(d, 0.5);
  const Schedule schedule = log_levels(1, 1, 1 - 1e-9);
  const std::size_t count = 60;
  const double error = std::sqrt(2 / static_cast<double>(count * static_cast<std::size_t>(d)));
  for (const char* r : {"0.16", "0.5"}) {
    const auto x = samples_of(law, schedule, {{"snr", r}, {"correctors", "60"}}, 0, count);
    const double expected = 1.5 * (1 + std::stod(r) * std::stod(r));
    CHECK(std::abs(spread(x) / expected - 1) < 4 * error + 2.0 / static_cast<double>(d));
  }
}

TEST_CASE("predictor-corrector: less wrong than its predictor alone, by the recursion of the variance") {
  // VE from 20 to 0.05 by equal factors, then 0: an error of the variance of 13 % comes down to 3 % where the norms
  // have no spread of their own, and to less of an improvement in 64 dimensions.
  Schedule schedule = log_levels(49, 20, 0.05);
  schedule.levels.push_back({1, 0});
  const double alone = large_dimension_variance(schedule, 1, 0),
               corrected = large_dimension_variance(schedule, 1, 0.16);
  CHECK(alone == doctest::Approx(1.130).epsilon(1e-3));
  CHECK(corrected == doctest::Approx(1.029).epsilon(1e-3));
  const std::size_t d = 1024, count = 64;
  IsotropicTarget wide(static_cast<std::int64_t>(d), 1), narrow(64, 1);
  const double error = std::sqrt(2 / static_cast<double>(d * count));
  CHECK(std::abs(spread(samples_of(wide, schedule, {{"correctors", "0"}}, 0, count)) / alone - 1) < 4 * error);
  // V / |x|^2, which the length of a step goes with, has the mean 1 + 2 / d, and so does what steps leave in x.
  CHECK(std::abs(spread(samples_of(wide, schedule, {}, 0, count)) / corrected - 1) <
        4 * error + 4 / static_cast<double>(d));
  const double in_64 = spread(samples_of(narrow, schedule, {}, 0, d));
  CHECK(in_64 < alone - 4 * error);
  CHECK(in_64 > corrected + 4 * error);
}

TEST_CASE("predictor-corrector: annealed steps are 2 kept (snr s)^2 long, the same for all vectors") {
  // One step of each kind: x + e g + sqrt(2 e) z, e = 2 r^2 a^2, then the predictor; of N(1, v I) in many samples.
  IsotropicTarget law(40, 0.5);
  Schedule schedule = log_levels(3, 3, 0.5);
  double variance = 9;
  for (std::int64_t i = 0; i < 3; ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1), total = 0.5 + a * a, e = 2 * 0.3 * 0.3 * a * a;
    variance = (1 - e / total) * (1 - e / total) * variance + 2 * e;
    const double added = a * a - b * b, kept = 1 - added / total;
    variance = kept * kept * variance + (i < 2 ? added : 0);
  }
  const std::size_t count = 1500;
  // The start has the mean 0 instead of 1: what is left of that counts as well.
  double pull = 1;
  for (std::int64_t i = 0; i < 3; ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1), total = 0.5 + a * a;
    pull *= (1 - 2 * 0.3 * 0.3 * a * a / total) * (1 - (a * a - b * b) / total);
  }
  const auto x = samples_of(law, schedule, {{"corrector", "annealed"}, {"snr", "0.3"}}, 0, count);
  CHECK(std::abs(spread(x) / (variance + pull * pull) - 1) < 4 * std::sqrt(2.0 / (40 * count)));
}

TEST_CASE("predictor-corrector without correctors is its predictor, the last noise left out") {
  const SmallLaw law(5, {2, 0.4}, 0.1);
  Schedule schedule = vp_levels(8);
  schedule.levels.push_back({1, 0});
  const auto target = target_of(law);
  for (const std::string name : {"reverse-diffusion", "ancestral", "euler-maruyama"}) {
    const Sampler& predictor = sampler_named(name);
    SamplingPlan plan{predictor, options_of(predictor), schedule};
    plan.stepping = Stepping::one_by_one;
    std::vector<double> x(5 * 3);
    std::vector<SampleFacts> facts(3);
    sample_maker(*target, plan)->make(SampleBatch<double>{0, x, &facts});
    CHECK(samples_of(*target, schedule, {{"correctors", "0"}, {"predictor", name}}, 0, 3) == x);
  }
}

TEST_CASE("predictor-corrector: a sample does not depend on the others of its batch; its calls are told") {
  const SmallLaw law(7, {2, 0.4}, 0.1);
  const auto target = target_of(law);
  Schedule schedule = log_levels(6, 9, 0.1);
  schedule.levels.push_back({1, 0});
  std::vector<SampleFacts> facts;
  const auto whole = samples_of(*target, schedule, {{"correctors", "2"}}, 0, 5, &facts);
  const auto part = samples_of(*target, schedule, {{"correctors", "2"}}, 3, 2);
  CHECK(std::memcmp(whole.data() + 3 * 7, part.data(), 2 * 7 * sizeof(double)) == 0);
  CHECK(facts[4].at("nfe") == 7 * 3);
}

TEST_CASE("predictor-corrector: data that is a point comes out as the point") {
  const SmallLaw law(6, {}, 0);
  const auto target = target_of(law);
  Schedule schedule = log_levels(4, 9, 0.1);
  schedule.levels.push_back({1, 0});
  const auto x = samples_of(*target, schedule, {}, 0, 2);
  for (std::size_t e = 0; e < x.size(); ++e) CHECK(x[e] == doctest::Approx(law.mean()[e % 6]).epsilon(1e-13));
}

}  // namespace
}  // namespace noiseutils

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"
#include "sample/affine_law.hpp"
#include "sample/sample_source.hpp"
#include "sampler_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

Schedule karras(std::int64_t steps, double sigma_min = 0.002, double sigma_max = 80, double rho = 7) {
  return make_schedule(karras_schedule(), steps, {{"sigma-min", sigma_min}, {"sigma-max", sigma_max}, {"rho", rho}});
}

/// The same without the last step to 0.
Schedule without_end(Schedule schedule) {
  schedule.levels.pop_back();
  return schedule;
}

std::vector<double> normals(std::size_t count) {
  std::vector<double> n(count);
  fill_normal({11, Purpose::probe, 0, 0}, 0, n);
  return n;
}

std::vector<double> sampled(const Model& model, const Schedule& schedule, Stepping stepping,
                            const std::vector<double>& n) {
  return run_from_normals<double>(model, ddim_sampler(), schedule, stepping, n);
}

TEST_CASE("karras: the known answers of 18 steps between 80 and 0.002") {
  const Schedule schedule = karras(18);
  CHECK(schedule.steps() == 18);
  CHECK(schedule.s(0) == 80);
  CHECK(schedule.s(1) == doctest::Approx(57.58598).epsilon(1e-7));
  CHECK(schedule.s(2) == doctest::Approx(40.78557).epsilon(1e-7));
  CHECK(schedule.s(15) == doctest::Approx(0.0229345).epsilon(1e-6));
  CHECK(schedule.s(16) == doctest::Approx(0.00752802).epsilon(1e-6));
  CHECK(schedule.s(17) == 0.002);
  CHECK(schedule.s(18) == 0);
  CHECK(karras(1).s(0) == 80);
  CHECK(karras(1).s(1) == 0);
}

TEST_CASE("schedules that do not fall are refused") {
  CHECK_THROWS_AS(karras(0), UsageError);
  CHECK_THROWS_AS(karras(5, 80, 80), UsageError);
  CHECK_THROWS_AS(karras(5, 81, 80), UsageError);
  CHECK_THROWS_AS(karras(1000, 1, std::nextafter(1.0, 2.0)), UsageError);
}

TEST_CASE("every sampler has a name of its own, a summary and a source") {
  for (const Sampler& sampler : samplers()) {
    CHECK(find_entry(samplers(), sampler.name) == &sampler);
    CHECK_FALSE(sampler.summary.empty());
    CHECK_FALSE(sampler.source.empty());
    CHECK((sampler.run_float == nullptr) == (sampler.run_double == nullptr));
    CHECK((sampler.takes_steps() || sampler.order == 0));
  }
  CHECK(denoiser_calls({ddim_sampler(), {}, karras(7)}) == 7);
  CHECK(denoiser_calls({exact_sampler(), {}, karras(7)}) == 0);
}

TEST_CASE("ddim: each eigenmode is multiplied by prod 1 + (b - a) a / (lambda + a^2)") {
  const SmallLaw law(7, {2.5, 0.4, 0.01, 0}, 0.003);
  const Schedule schedule = karras(12);
  const auto n = normals(7);
  std::vector<double> start = n;
  for (double& value : start) value *= 80;
  const auto expected = law.plus_mean(law.transformed(law.plus_mean(start, -1),
                                                      [&](double lambda) {
                                                        double product = 1;
                                                        for (std::int64_t i = 0; i < schedule.steps(); ++i) {
                                                          const double a = schedule.s(i), b = schedule.s(i + 1);
                                                          product *= 1 + (b - a) * a / (lambda + a * a);
                                                        }
                                                        return product;
                                                      }),
                                      1);
  CHECK(largest_difference(sampled(law, schedule, Stepping::one_by_one, n), expected) < 1e-12);
  CHECK(largest_difference(sampled(law, schedule, Stepping::shortest, n), expected) < 1e-12);
}

TEST_CASE("ddim: all steps at once are the steps one by one, to rounding") {
  const SmallLaw law(9, {3, 1, 0.1, 1e-4}, 1e-6);
  const Schedule schedule = karras(50);
  const auto n = normals(9 * 20);
  CHECK(largest_difference(sampled(law, schedule, Stepping::one_by_one, n),
                           sampled(law, schedule, Stepping::shortest, n)) < 1e-12);
  const std::vector<float> single(n.begin(), n.end());
  const auto stepped = run_from_normals<float>(law, ddim_sampler(), schedule, Stepping::one_by_one, single);
  const auto collapsed = run_from_normals<float>(law, ddim_sampler(), schedule, Stepping::shortest, single);
  CHECK(largest_difference(stepped, collapsed) < 1e-5);
}

TEST_CASE("ddim: a point mass is reached exactly, whatever the number of steps") {
  const SmallLaw law(5, {}, 0);
  for (const std::int64_t steps : {1, 2, 9})
    CHECK(largest_difference(sampled(law, karras(steps), Stepping::one_by_one, normals(5)), law.mean()) < 1e-13);
}

TEST_CASE("ddim: converges to the closed form of the flow, with order 1") {
  const SmallLaw law(6, {2, 0.7, 0.3, 0.05}, 0.01);
  const auto n = normals(6);
  const double s0 = 10, s1 = 0.05;
  std::vector<double> start = n;
  for (double& value : start) value *= s0;
  const auto flow =
      law.plus_mean(law.transformed(law.plus_mean(start, -1),
                                    [&](double lambda) { return std::sqrt((lambda + s1 * s1) / (lambda + s0 * s0)); }),
                    1);
  std::vector<double> errors;
  for (const std::int64_t steps : {160, 320, 640, 1280})
    errors.push_back(
        largest_difference(sampled(law, without_end(karras(steps + 1, s1, s0)), Stepping::shortest, n), flow));
  for (std::size_t i = 0; i + 1 < errors.size(); ++i)
    CHECK(std::log2(errors[i] / errors[i + 1]) == doctest::Approx(1).epsilon(0.05));
  CHECK(errors.back() < 2e-3);
}

TEST_CASE("exact-flow: the closed form from s_0 to 0, in however many steps, and where Heun's steps lead") {
  const SmallLaw law(6, {2, 0.7, 0.3}, 0.01);
  const auto n = normals(6);
  std::vector<double> start = n;
  for (double& value : start) value *= 80;
  const auto flow = law.plus_mean(
      law.transformed(law.plus_mean(start, -1), [](double lambda) { return std::sqrt(lambda / (lambda + 6400)); }), 1);
  for (const std::int64_t steps : {1, 2, 30})
    CHECK(largest_difference(run_from_normals<double>(law, exact_flow_sampler(), karras(steps), Stepping::shortest, n),
                             flow) < 1e-12);
  // Heun's last step, from .002 to 0, is Euler's: lambda / (lambda + s^2) for its root, s^2 / (2 lambda) off.
  double largest = 0;
  for (const double value : flow) largest = std::max(largest, std::abs(value));
  CHECK(largest_difference(run_from_normals<double>(law, heun_sampler(), karras(2000), Stepping::shortest, n), flow) <
        largest * 0.002 * 0.002 / (2 * 0.01));
}

TEST_CASE("exact: the draws have the mean and the covariance of the law") {
  const SmallLaw law(5, {1.5, 0.5, 0.1}, 0.02);
  const std::size_t count = 40000, d = 5;
  const auto target = target_of(law);
  std::vector<double> x(count * d);
  std::vector<SampleFacts> facts(count);
  sample_maker(*target, {exact_sampler(), {}, karras(1)})->make(SampleBatch<double>{0, x, &facts});
  // Along direction k the mean of the draws has standard error sqrt(v/count), the product of two sqrt(v_k v_l/count).
  double worst = 0;
  for (std::size_t k = 0; k < d; ++k)
    for (std::size_t l = 0; l <= k; ++l) {
      double mean = 0, product = 0;
      for (std::size_t s = 0; s < count; ++s) {
        double a = 0, b = 0;
        for (std::size_t i = 0; i < d; ++i) {
          a += law.direction(k)[i] * (x[s * d + i] - law.mean()[i]);
          b += law.direction(l)[i] * (x[s * d + i] - law.mean()[i]);
        }
        mean += a;
        product += a * b;
      }
      const double expected = k == l ? law.variance(k) : 0;
      const double error = std::sqrt(law.variance(k) * law.variance(l) * (k == l ? 2 : 1) / static_cast<double>(count));
      worst = std::max(worst, std::abs(product / static_cast<double>(count) - expected) / error);
      worst = std::max(
          worst, std::abs(mean / static_cast<double>(count)) / std::sqrt(law.variance(k) / static_cast<double>(count)));
    }
  CHECK(worst < 4.5);
}

TEST_CASE("sample source: a sample depends on its number alone") {
  const SmallLaw law(6, {1, 0.2}, 0.1);
  const auto target = target_of(law);
  const auto maker = sample_maker(*target, {ddim_sampler(), {}, karras(5), 5});
  for (const DType dtype : {DType::F32, DType::F64}) {
    SampleSource whole(*maker, {2, 3}, dtype, 600), part(*maker, {2, 3}, dtype, 520);
    bool same = true;
    for (const std::int64_t i : {0, 255, 479, 480, 511, 519}) {
      const Tensor a = whole.sample(i).data, b = part.sample(i).data;
      same = same && a.shape() == Shape{2, 3} && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
    }
    set_thread_count(3);
    SampleSource threaded(*maker, {2, 3}, dtype, 600);
    same =
        same && std::memcmp(threaded.sample(500).data.raw(), whole.sample(500).data.raw(), 6 * dtype_size(dtype)) == 0;
    set_thread_count(1);
    CHECK(same);
    CHECK(std::memcmp(whole.sample(0).data.raw(), whole.sample(1).data.raw(), 6 * dtype_size(dtype)) != 0);
  }
}

}  // namespace
}  // namespace noiseutils

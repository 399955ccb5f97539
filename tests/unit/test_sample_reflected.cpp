#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "model/empirical.hpp"
#include "sample/reflected.hpp"

namespace noiseutils {
namespace {

constexpr double kPi = std::numbers::pi;

/// p_0 = 1 + A cos pi x, smoothed: p_s = 1 + A exp(-pi^2 s^2 / 2) cos pi x.
class Cosine : public ReflectedLaw {
 public:
  explicit Cosine(double a) : a_(a) {}
  std::int64_t dim() const override { return 1; }
  double density(double sigma, double x) const { return 1 + amplitude(sigma) * std::cos(kPi * x); }
  void score(double sigma, std::span<const double> x, std::span<double> out) const override {
    out[0] = -kPi * amplitude(sigma) * std::sin(kPi * x[0]) / density(sigma, x[0]);
  }

 private:
  double amplitude(double sigma) const { return a_ * std::exp(-kPi * kPi * sigma * sigma / 2); }
  double a_;
};

/// From 3 to 0.01 in equal ratios.
Schedule geometric(std::int64_t steps) {
  Schedule schedule;
  for (std::int64_t i = 0; i <= steps; ++i)
    schedule.levels.push_back({1, 3 * std::pow(0.01 / 3, static_cast<double>(i) / static_cast<double>(steps))});
  return schedule;
}

std::unique_ptr<Model> points_of(std::int64_t dim, const std::vector<double>& values) {
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {dim};
  return empirical_model(info, Tensor::of({static_cast<std::int64_t>(values.size()) / dim, dim}, values));
}

TEST_CASE("reflected: the triangle wave") {
  for (const double x : {0.0, 0.25, 1.0}) {
    CHECK(reflected(x) == x);
    CHECK(reflected(-x) == x);
    CHECK(reflected(2 - x) == x);
    CHECK(reflected(x + 6) == doctest::Approx(x).epsilon(1e-12));
  }
}

TEST_CASE(
    "reflected: the kernel is the sum of its images, and its slope their derivative, on both sides of the switch") {
  for (const double sigma : {0.05, 0.1, 0.3, 0.3499, 0.3501, 1.0})
    for (const double y : {0.0, 0.02, 0.5, 0.97, 1.0})
      for (const double x : {0.0, 0.1, 0.5, 0.9, 1.0}) {
        double value = 0, slope = 0;
        for (int k = -20; k <= 20; ++k)
          for (const double d : {x - y + 2 * k, x + y + 2 * k}) {
            const double p = std::exp(-d * d / (2 * sigma * sigma)) / std::sqrt(2 * kPi * sigma * sigma);
            value += p;
            slope -= p * d / (sigma * sigma);
          }
        const HeatKernel kernel = heat_kernel(sigma, x, y);
        CHECK(std::abs(kernel.slope - slope / value) < 1e-11 * (1 + std::abs(slope / value)));
        const double normal = sigma > 0.35 ? 1 : 1 / std::sqrt(2 * kPi * sigma * sigma);
        CHECK(kernel.log_value == doctest::Approx(std::log(value / normal)).epsilon(1e-11));
      }
  CHECK(heat_kernel(0.002, 0, 1).log_value == doctest::Approx(-125000 + std::log(2.0)));  // nothing underflows
}

TEST_CASE("reflected: points at the quantiles of 1 + A cos pi x have its score") {
  std::vector<double> quantiles;
  const double a = 0.8;
  for (int i = 0; i < 400; ++i) {
    const double u = (i + 0.5) / 400;
    double x = u;
    for (int k = 0; k < 50; ++k) x -= (x + a * std::sin(kPi * x) / kPi - u) / (1 + a * std::cos(kPi * x));
    quantiles.push_back(x);
  }
  const auto law = reflected_law(*points_of(1, quantiles));
  const Cosine cosine(a);
  for (const double sigma : {0.1, 0.3, 1.0})
    for (const double x : {0.05, 0.3, 0.8}) {
      double found = 0, expected = 0;
      law->score(sigma, {&x, 1}, {&found, 1});
      cosine.score(sigma, {&x, 1}, {&expected, 1});
      CHECK(found == doctest::Approx(expected).epsilon(1e-3));
    }
}

TEST_CASE("reflected: the coordinates of points are not independent: score of a sum of products, by differences") {
  const auto model = points_of(2, {0.1, 0.2, 0.7, 0.9, 0.4, 0.95});
  const auto law = reflected_law(*model);
  const double sigma = 0.2, h = 1e-5;
  const auto log_density = [&](double x, double y) {
    double p = 0;
    for (const auto& [u, v] : {std::pair(0.1, 0.2), std::pair(0.7, 0.9), std::pair(0.4, 0.95)})
      p += std::exp(heat_kernel(sigma, x, u).log_value + heat_kernel(sigma, y, v).log_value);
    return std::log(p);
  };
  const std::vector<double> x = {0.3, 0.6};
  std::vector<double> found(2);
  law->score(sigma, x, found);
  CHECK(found[0] == doctest::Approx((log_density(0.3 + h, 0.6) - log_density(0.3 - h, 0.6)) / (2 * h)).epsilon(1e-7));
  CHECK(found[1] == doctest::Approx((log_density(0.3, 0.6 + h) - log_density(0.3, 0.6 - h)) / (2 * h)).epsilon(1e-7));
}

/// Mean of cos pi x over `count` samples less its known answer (of three digits), in standard errors of the mean.
double deviation(std::int64_t steps, std::size_t count, double known) {
  const Cosine law(0.8);
  const Schedule schedule = geometric(steps);
  const OptionValues none;
  std::size_t drawn = 1;
  SamplerRun<double> run{[](double, std::span<const double>, std::span<double>) {}, schedule, none, 1};
  run.normals = [&](std::span<double> z) { fill_normal({19, Purpose::probe, drawn++, 0}, 0, z); };
  std::vector<double> x(count);
  fill_normal({19, Purpose::probe, 0, 0}, 0, std::span<double>(x));
  for (double& value : x) value *= 3;
  reflected_diffusion<double>(run, law, x);
  double sum = 0, square = 0;
  for (const double value : x) {
    CHECK((value >= 0 && value <= 1));
    sum += std::cos(kPi * value);
    square += std::cos(kPi * value) * std::cos(kPi * value);
  }
  const double n = static_cast<double>(count), mean = sum / n;
  return std::max(0.0, std::abs(mean - known) - 5e-4) / std::sqrt((square / n - mean * mean) / n);
}

TEST_CASE("reflected: E cos pi x of 1 + 0.8 cos pi x, known answers on the way to .4: .319 .378") {
  CHECK(deviation(20, 20000, 0.319) < 4);
  CHECK(deviation(80, 10000, 0.378) < 4);
}

TEST_CASE("reflected: E cos pi x of 1 + 0.8 cos pi x, known answer .393 at 320 steps" * doctest::test_suite("long")) {
  CHECK(deviation(320, 40000, 0.393) < 4);
}

TEST_CASE("reflected: what is no law on the cube is refused") {
  CHECK_THROWS_AS(reflected_law(*points_of(1, {0.5, 1.01})), DataError);
  CHECK_THROWS_AS(reflected_law(*points_of(1, {-0.01})), DataError);
  CHECK_THROWS_AS(reflected_law(*isotropic_law({0.5}, 0.01)), UsageError);
}

}  // namespace
}  // namespace noiseutils

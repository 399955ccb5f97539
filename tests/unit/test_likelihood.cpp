#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.hpp"
#include "mixture_examples.hpp"
#include "model/empirical.hpp"
#include "score/flow_likelihood.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

/// A sample of the law at level sigma.
std::vector<double> sample_at(const Model& model, double sigma, std::uint64_t i) {
  const auto d = static_cast<std::size_t>(model.dim());
  std::vector<double> x(d);
  model.draw(std::span<const double>(test_normals(d, 2 * i)), std::span<double>(x));
  const std::vector<double> n = test_normals(d, 2 * i + 1);
  for (std::size_t k = 0; k < d; ++k) x[k] += sigma * n[k];
  return x;
}

double error_of_flow(const Model& model, double sigma, double tolerance) {
  double worst = 0;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto x = sample_at(model, sigma, i);
    const FlowField field = model_flow(model, {});
    const double exact = model.log_density(sigma, std::span<const double>(x)).front();
    const FlowDensity flow = flow_log_density(field, sigma, 80, tolerance, x);
    worst = std::max(worst, std::abs(flow.log_density - exact));
  }
  return worst;
}

TEST_CASE("flow likelihood: of a Gaussian law within 1e-6 of log p at tolerance 1e-8") {
  std::vector<double> variances;
  for (int k = 1; k <= 60; ++k) variances.push_back(1 / std::pow(k, 1.5));
  const SmallLaw law(64, variances, 1e-3);
  for (const double sigma : {0.02, 0.3, 2.0}) {
    CHECK(error_of_flow(law, sigma, 1e-8) < 1e-6);
    CHECK(error_of_flow(law, sigma, 1e-5) < 1e-3);
  }
}

TEST_CASE("flow likelihood: of a mixture within 1e-6 of log p at tolerance 1e-8") {
  const MixtureModel mixture = random_mixture(6, {6, 2, 3}, {0, 0.05, 0.02}, 2);
  for (const double sigma : {0.05, 0.5}) CHECK(error_of_flow(mixture, sigma, 1e-8) < 1e-6);
}

TEST_CASE("flow likelihood: of an empirical law within 1e-6 of log p at tolerance 1e-8") {
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {3};
  const auto model = empirical_model(info, Tensor::of({7, 3}, test_normals(21, 50)));
  for (const double sigma : {0.1, 0.7}) CHECK(error_of_flow(*model, sigma, 1e-8) < 1e-6);
}

/// v^T M v of a probe, M the integral of dD/dx - I over log s, which the flow of a linear law has in closed form:
/// M = -1/2 log((C + s1^2) / (C + s0^2))
double probed_integral(const SmallLaw& law, double s0, double s1, const std::vector<double>& v) {
  const auto product =
      law.transformed(v, [&](double lambda) { return 0.5 * std::log((lambda + s1 * s1) / (lambda + s0 * s0)); });
  return std::inner_product(v.begin(), v.end(), product.begin(), 0.0);
}

std::vector<double> flow_of(const SmallLaw& law, double s0, double s1, const std::vector<double>& x) {
  return law.plus_mean(
      law.transformed(law.plus_mean(x, -1),
                      [&](double lambda) { return std::sqrt((lambda + s1 * s1) / (lambda + s0 * s0)); }),
      1);
}

TEST_CASE("flow likelihood: probes of a linear law give the closed form of each probe") {
  const SmallLaw law(6, {2, 0.5, 0.03}, 0.1);
  const auto x = sample_at(law, 0.3, 5);
  const auto end = flow_of(law, 0.3, 30, x);
  const auto probes = sign_probes(3, 6, 4, 9);
  double expected = law.log_density(30, std::span<const double>(end)).front();
  for (const auto& v : probes) expected += probed_integral(law, 0.3, 30, v) / 3;
  const FlowDensity flow = flow_log_density(model_flow(law, probes), 0.3, 30, 1e-8, x);
  CHECK(std::abs(flow.log_density - expected) < 1e-6);
  CHECK(flow.calls % 4 == 0);
}

class LawAsProgram : public Denoiser {
 public:
  explicit LawAsProgram(const SmallLaw& law) : law_(law) {}
  Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma) override {
    CHECK(axes == "ND");
    Tensor clean(DType::F64, noisy.shape());
    law_.denoiser(sigma, 1)->apply(noisy.values<double>(), clean.mutable_values<double>());
    return clean;
  }

 private:
  const SmallLaw& law_;
};

TEST_CASE("flow likelihood: a program with probes ends at N(0, sigma_max^2), and differences are exact for linear D") {
  const SmallLaw law(6, {2, 0.5, 0.03}, 0.1);
  LawAsProgram program(law);
  const auto x = sample_at(law, 0.3, 5);
  const auto end = flow_of(law, 0.3, 30, x);
  const auto probes = sign_probes(2, 6, 4, 9);
  double expected = 0;
  for (const double value : end) expected -= (value * value / 900 + std::log(2 * std::acos(-1.0) * 900)) / 2;
  for (const auto& v : probes) expected += probed_integral(law, 0.3, 30, v) / 2;
  const FlowDensity flow = flow_log_density(denoiser_flow(program, "D", {6}, probes), 0.3, 30, 1e-8, x);
  CHECK(std::abs(flow.log_density - expected) < 1e-6);
  CHECK(flow.calls % 5 == 0);
}

TEST_CASE("flow likelihood: probes are signs, of mean 0 and each their own") {
  const auto probes = sign_probes(2, 4000, 1, 0);
  double sum = 0, product = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    CHECK_MESSAGE(std::abs(probes[0][i]) == 1, "element ", i);
    sum += probes[0][i];
    product += probes[0][i] * probes[1][i];
  }
  CHECK(std::abs(sum) < 4.5 * std::sqrt(4000.0));
  CHECK(std::abs(product) < 4.5 * std::sqrt(4000.0));
  CHECK(sign_probes(1, 4000, 1, 1) != sign_probes(1, 4000, 1, 0));
}

TEST_CASE("flow likelihood: levels that no flow leads between are refused") {
  const SmallLaw law(3, {1}, 0.1);
  const std::vector<double> x(3, 0.1);
  for (const double sigma : {0.0, -1.0, 80.0, 100.0})
    CHECK_THROWS_AS(flow_log_density(model_flow(law, {}), sigma, 80, 1e-5, x), UsageError);
}

}  // namespace
}  // namespace noiseutils

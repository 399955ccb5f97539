#include "score/flow_field.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "model/fitted_denoiser.hpp"
#include "random/random.hpp"
#include "score/divergence.hpp"

namespace noiseutils {
namespace {

constexpr double kProbeStep = 0.01;  // h / s

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double log_density_of_noise(double s, std::span<const double> x) {
  const double t = s * s;
  return -0.5 * (dot(x, x) / t + static_cast<double>(x.size()) * std::log(2 * std::numbers::pi * t));
}

}  // namespace

std::vector<std::vector<double>> sign_probes(std::int64_t count, std::int64_t dim, std::uint64_t seed,
                                             std::int64_t sample) {
  std::vector<std::vector<double>> probes;
  for (std::int64_t k = 0; k < count; ++k) {
    auto& v = probes.emplace_back(static_cast<std::size_t>(dim));
    fill_uniform({seed, Purpose::probe, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(k)}, 0,
                 std::span<double>(v));
    for (double& value : v) value = value < 0.5 ? -1 : 1;
  }
  return probes;
}

FlowField model_flow(const Model& model, std::vector<std::vector<double>> probes) {
  FlowField field;
  field.dim = model.dim();
  field.calls = 1 + static_cast<std::int64_t>(probes.size());
  field.at = [&model, probes = std::move(probes)](double s, std::span<const double> x, std::span<double> score) {
    model.score_map(s, 1)->apply(x, score);
    if (probes.empty()) return jacobian_trace(model, s, x).remaining;
    std::vector<double> product(x.size());
    double trace = 0;
    for (const auto& v : probes) {
      model.jacobian_product(s, x, v, product);
      trace += dot(v, product);
    }
    return static_cast<double>(model.dim()) - trace / static_cast<double>(probes.size());
  };
  if (dynamic_cast<const FittedDenoiser*>(&model) != nullptr)
    field.density = log_density_of_noise;
  else
    field.density = [&model](double s, std::span<const double> x) { return model.log_density(s, x).front(); };
  return field;
}

FlowField denoiser_flow(Denoiser& denoiser, std::string axes, Shape shape, std::vector<std::vector<double>> probes) {
  if (probes.empty()) throw InternalError("the divergence of a program needs probes");
  FlowField field;
  field.dim = element_count(shape);
  field.calls = 1 + 2 * static_cast<std::int64_t>(probes.size());
  shape.insert(shape.begin(), field.calls);
  axes.insert(axes.begin(), 'N');
  field.at = [&denoiser, axes, shape, probes = std::move(probes)](double s, std::span<const double> x,
                                                                  std::span<double> score) {
    const double h = kProbeStep * s;
    Tensor noisy(DType::F64, shape);
    const auto in = noisy.mutable_values<double>();
    const std::size_t d = x.size();
    std::copy(x.begin(), x.end(), in.begin());
    for (std::size_t k = 0; k < probes.size(); ++k)
      for (std::size_t i = 0; i < d; ++i) {
        in[(2 * k + 1) * d + i] = x[i] + h * probes[k][i];
        in[(2 * k + 2) * d + i] = x[i] - h * probes[k][i];
      }
    const Tensor clean = denoiser.estimate(axes, noisy, s);
    const auto out = clean.values<double>();
    for (std::size_t i = 0; i < d; ++i) score[i] = (out[i] - x[i]) / (s * s);
    double trace = 0;
    for (std::size_t k = 0; k < probes.size(); ++k)
      trace +=
          (dot(probes[k], out.subspan((2 * k + 1) * d, d)) - dot(probes[k], out.subspan((2 * k + 2) * d, d))) / (2 * h);
    return static_cast<double>(d) - trace / static_cast<double>(probes.size());
  };
  field.density = log_density_of_noise;
  return field;
}

}  // namespace noiseutils

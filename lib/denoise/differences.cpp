#include "denoise/differences.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "random/random.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kHeldElements = 1 << 22;  // of the displaced samples that are estimated at once

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<double> DenoiserDifferences::estimates(std::span<const double> steps, std::span<const double> v) const {
  const std::size_t d = index(dim()), each = v.size() == d ? 0 : d;  // one direction may serve for all steps
  const std::span<const double> y = y_.values<double>();
  std::vector<double> result(steps.size() * d);
  const std::size_t wave = std::max<std::size_t>(1, index(kHeldElements) / d);
  for (std::size_t first = 0; first < steps.size(); first += wave) {
    const std::size_t n = std::min(wave, steps.size() - first);
    Shape shape = y_.shape();
    shape.insert(shape.begin(), static_cast<std::int64_t>(n));
    Tensor moved(DType::F64, shape), found(DType::F64, shape);
    const std::span<double> to = moved.mutable_values<double>();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t e = 0; e < d; ++e) to[i * d + e] = y[e] + steps[first + i] * v[(first + i) * each + e];
    TensorSink sink(found);
    denoiser_.produce(moved, std::vector<double>(n, sigma_), sink);
    const auto values = found.values<double>();
    std::copy(values.begin(), values.end(), result.begin() + static_cast<std::ptrdiff_t>(first * d));
  }
  return result;
}

std::vector<double> DenoiserDifferences::estimate_of_multiple(double factor) const {
  const double more = factor - 1;
  return estimates({&more, 1}, y_.values<double>());
}

void DenoiserDifferences::jacobian_product(double step, std::span<const double> v, std::span<double> out) const {
  const std::size_t d = index(dim()), count = v.size() / d;
  const double h = step * sigma_;
  std::vector<double> both(2 * v.size()), steps(2 * count);
  for (std::size_t i = 0; i < count; ++i)
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      steps[2 * i + side] = side == 0 ? h : -h;
      std::copy_n(v.begin() + static_cast<std::ptrdiff_t>(i * d), d,
                  both.begin() + static_cast<std::ptrdiff_t>((2 * i + side) * d));
    }
  const std::vector<double> found = estimates(steps, both);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t e = 0; e < d; ++e) out[i * d + e] = (found[2 * i * d + e] - found[(2 * i + 1) * d + e]) / (2 * h);
}

CentralMoments DenoiserDifferences::moments(double step, std::span<const double> v) const {
  const double h = step * sigma_, t = sigma_ * sigma_;
  std::array<double, 7> steps{}, g{};
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = h * (static_cast<double>(i) - 3);
  const std::vector<double> found = estimates(steps, v);
  for (std::size_t i = 0; i < g.size(); ++i)
    g[i] = std::inner_product(v.begin(), v.end(), found.begin() + static_cast<std::ptrdiff_t>(i * v.size()), 0.0);
  const double first = (45 * (g[4] - g[2]) - 9 * (g[5] - g[1]) + (g[6] - g[0])) / (60 * h);
  const double second = (270 * (g[2] + g[4]) - 27 * (g[1] + g[5]) + 2 * (g[0] + g[6]) - 490 * g[3]) / (180 * h * h);
  const double third = (-13 * (g[4] - g[2]) + 8 * (g[5] - g[1]) - (g[6] - g[0])) / (8 * h * h * h);
  return {t * first, t * t * second, t * t * t * third + 3 * t * first * t * first};
}

ProbedVariance probed_variance(const DenoiserDifferences& differences, double sigma, double step, std::int64_t probes,
                               std::uint64_t seed, std::int64_t sample) {
  const std::size_t d = index(differences.dim());
  const double t = sigma * sigma, n = static_cast<double>(probes);
  std::vector<double> signs(d), product(d), sum(d, 0.0), squares(d, 0.0);
  for (std::int64_t k = 0; k < probes; ++k) {
    fill_uniform({seed, Purpose::probe, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(k)}, 0,
                 std::span<double>(signs));
    for (double& sign : signs) sign = sign < 0.5 ? -1 : 1;
    differences.jacobian_product(step, signs, product);
    for (std::size_t i = 0; i < d; ++i) {  // Welford: the spread may be tiny beside the mean
      const double value = t * signs[i] * product[i], before = value - sum[i];
      sum[i] += before / static_cast<double>(k + 1);
      squares[i] += before * (value - sum[i]);
    }
  }
  for (double& value : squares) value = std::sqrt(value / (n * (n - 1)));
  return {std::move(sum), std::move(squares)};
}

}  // namespace noiseutils

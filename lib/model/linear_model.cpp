#include "model/linear_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "model/dense_map.hpp"
#include "model/linear_posterior.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kDenseDim = 1024;  // d^2 numbers of a dense map then fit the caches
constexpr std::size_t kUnits = 256;       // basis vectors made at once where they are not at hand
constexpr std::int64_t kChunk = 4096;     // vectors whose coefficients are held at once

Gains with_variance(const LinearModel& model, double t, double (*gain)(double lambda, double t)) {
  return model.gains([=](double lambda) { return gain(lambda, t); });
}

template <class T>
std::vector<double> log_densities(const LinearModel& model, double sigma, std::span<const T> y) {
  const double t = sigma * sigma;
  const std::int64_t dim = model.dim(), rank = model.rank(), count = static_cast<std::int64_t>(y.size()) / dim;
  double constant = static_cast<double>(dim) * std::log(2 * std::numbers::pi);
  for (const double lambda : model.eigenvalues()) constant += std::log(lambda + t);
  if (rank < dim) constant += static_cast<double>(dim - rank) * std::log(model.residual_variance() + t);

  // What lies outside the span is projected out: |y - mean|^2 - |c|^2 would cancel where sigma is small.
  const auto outside =
      rank < dim ? model.gain_map({std::vector<double>(static_cast<std::size_t>(rank)), 1}, MeanUse::subtract, 1)
                 : nullptr;
  std::vector<double> result(static_cast<std::size_t>(count));
  std::vector<T> coefficients, residual;
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const std::int64_t n = std::min(kChunk, count - first);
    const auto part = y.subspan(static_cast<std::size_t>(first * dim), static_cast<std::size_t>(n * dim));
    coefficients.resize(static_cast<std::size_t>(n * rank));
    model.coefficients(part, coefficients);
    if (outside) {
      residual.resize(part.size());
      outside->apply(part, residual);
    }
    parallel_blocks(n, [&](std::int64_t i) {
      double sum = constant;
      for (std::int64_t k = 0; k < rank; ++k) {
        const double c = static_cast<double>(coefficients[static_cast<std::size_t>(i * rank + k)]);
        sum += c * c / (model.eigenvalues()[static_cast<std::size_t>(k)] + t);
      }
      if (outside)
        for (std::int64_t j = 0; j < dim; ++j) {
          const double r = static_cast<double>(residual[static_cast<std::size_t>(i * dim + j)]);
          sum += r * r / (model.residual_variance() + t);
        }
      result[static_cast<std::size_t>(first + i)] = -sum / 2;
    });
  }
  return result;
}

void require_density(const LinearModel& model, double sigma) {
  if (sigma > 0) return;
  const auto zeros = std::count(model.eigenvalues().begin(), model.eigenvalues().end(), 0.0) +
                     (model.residual_variance() > 0 ? 0 : model.dim() - model.rank());
  if (zeros > 0)
    throw UsageError("the model has no density at sigma 0: its law has no variance in " + std::to_string(zeros) +
                     " of " + std::to_string(model.dim()) + " directions");
}

void require_sigma(double sigma) {
  if (!(sigma >= 0) || !std::isfinite(sigma)) throw UsageError("sigma " + format_number(sigma) + " is below 0");
}

}  // namespace

LinearModel::LinearModel(ModelInfo info, std::vector<double> eigenvalues, double residual_variance)
    : Model(std::move(info)), eigenvalues_(std::move(eigenvalues)), residual_variance_(residual_variance) {
  for (std::size_t k = 0; k < eigenvalues_.size(); ++k)
    if (!(eigenvalues_[k] >= 0) || !std::isfinite(eigenvalues_[k]))
      throw DataError("eigenvalue " + std::to_string(k) + " of the model is " + format_number(eigenvalues_[k]) +
                      ", expected a variance, 0 or above");
  if (!(residual_variance_ >= 0) || !std::isfinite(residual_variance_))
    throw DataError("the residual variance of the model is " + format_number(residual_variance_) +
                    ", expected 0 or above");
}

Gains LinearModel::wiener_gains(double sigma) const {
  require_sigma(sigma);
  return with_variance(*this, sigma * sigma,
                       [](double lambda, double t) { return lambda > 0 ? lambda / (lambda + t) : 0; });
}

std::unique_ptr<VectorMap> LinearModel::gain_map(const Gains& gains, MeanUse use, std::int64_t vectors) const {
  if (static_cast<std::int64_t>(gains.coefficients.size()) != rank())
    throw InternalError("gain_map: " + std::to_string(gains.coefficients.size()) + " gains for rank " +
                        std::to_string(rank()));
  if (dim() > kDenseDim || vectors < dim()) return spectral_map(gains, use);
  return dense_map(*spectral_map(gains, MeanUse::none), mean(), use);
}

std::vector<double> LinearModel::diagonal(const Gains& gains) const {
  const auto d = static_cast<std::size_t>(dim()), r = static_cast<std::size_t>(rank());
  const double rest = rank() < dim() ? gains.residual : 0;
  std::vector<double> result(d, rest), units, vectors;
  for (std::size_t first = 0; first < r; first += kUnits) {
    const std::size_t n = std::min(kUnits, r - first);
    units.assign(n * r, 0.0);
    vectors.resize(n * d);
    for (std::size_t k = 0; k < n; ++k) units[k * r + first + k] = 1;
    synthesise(units, std::span<double>(vectors));
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t i = 0; i < d; ++i) {
        const double u = vectors[k * d + i] - mean()[i];
        result[i] += u * u * (gains.coefficients[first + k] - rest);
      }
  }
  return result;
}

std::unique_ptr<VectorMap> LinearModel::denoiser(double sigma, std::int64_t vectors) const {
  return gain_map(wiener_gains(sigma), MeanUse::affine, vectors);
}

std::unique_ptr<VectorMap> LinearModel::score_map(double sigma, std::int64_t vectors) const {
  require_sigma(sigma);
  require_density(*this, sigma);
  Gains gains = with_variance(*this, sigma * sigma, [](double lambda, double t) { return -1 / (lambda + t); });
  if (rank() == dim()) gains.residual = 0;
  return gain_map(gains, MeanUse::subtract, vectors);
}

void LinearModel::jacobian_product(double sigma, std::span<const float>, std::span<const float> v,
                                   std::span<float> out) const {
  gain_map(wiener_gains(sigma), MeanUse::none, 1)->apply(v, out);
}
void LinearModel::jacobian_product(double sigma, std::span<const double>, std::span<const double> v,
                                   std::span<double> out) const {
  gain_map(wiener_gains(sigma), MeanUse::none, 1)->apply(v, out);
}

std::vector<double> LinearModel::log_density(double sigma, std::span<const float> y) const {
  require_sigma(sigma);
  require_density(*this, sigma);
  return log_densities(*this, sigma, y);
}
std::vector<double> LinearModel::log_density(double sigma, std::span<const double> y) const {
  require_sigma(sigma);
  require_density(*this, sigma);
  return log_densities(*this, sigma, y);
}

std::unique_ptr<Posterior> LinearModel::posterior(double sigma) const {
  require_noise(sigma);
  return linear_posterior(*this, sigma);
}

void LinearModel::draw(std::span<const float> normals, std::span<float> x) const {
  gain_map(gains([](double lambda) { return std::sqrt(lambda); }), MeanUse::add, 1)->apply(normals, x);
}
void LinearModel::draw(std::span<const double> normals, std::span<double> x) const {
  gain_map(gains([](double lambda) { return std::sqrt(lambda); }), MeanUse::add, 1)->apply(normals, x);
}

}  // namespace noiseutils

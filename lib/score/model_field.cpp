#include "score/model_field.hpp"

#include <cmath>

#include "base/error.hpp"

namespace noiseutils {
namespace {

// Maps are prepared as for single vectors, however many come: a batch and its split then give the same bytes.
constexpr std::int64_t kVectors = 1;

template <class T>
std::vector<T> scaled(std::span<const T> y, double alpha) {
  std::vector<T> result(y.begin(), y.end());
  for (T& value : result) value /= static_cast<T>(alpha);
  return result;
}

template <class T>
std::vector<double> scaled_log_densities(const Model& model, const NoiseLevel& level, std::span<const T> y) {
  if (level.alpha == 1) return model.log_density(level.sigma, y);
  const std::vector<T> x = scaled(y, level.alpha);
  std::vector<double> result = model.log_density(level.relative(), std::span<const T>(x));
  for (double& value : result) value -= static_cast<double>(model.dim()) * std::log(level.alpha);
  return result;
}

}  // namespace

void ModelField::prepare(double sigma) {
  if (sigma == sigma_) return;
  const bool of_both = field_ == Field::v || field_ == Field::velocity;
  if (sigma <= 0 && (field_ == Field::eps || of_both))
    throw UsageError("eps, v and velocity are of noisy samples: sigma must be above 0");
  // The score has a map of its own, free of the cancellation in (D(y) - y) / sigma^2 at small sigma; x0 likewise at
  // large sigma. v and velocity are made of both.
  if (field_ != Field::denoiser) score_ = model_.score_map(sigma / alpha_, kVectors);
  if (field_ == Field::denoiser || of_both) denoiser_ = model_.denoiser(sigma / alpha_, kVectors);
  sigma_ = sigma;
}

template <class T>
void ModelField::run(double sigma, std::span<const T> y, std::span<T> out) {
  prepare(sigma);
  std::vector<T> storage;
  if (alpha_ != 1) {
    storage = scaled(y, alpha_);
    y = storage;
  }
  if (field_ == Field::denoiser) return denoiser_->apply(y, out);
  score_->apply(y, out);  // alpha times the score in units of y
  const double s = sigma / alpha_;
  const double factor = field_ == Field::score ? 1 / alpha_ : field_ == Field::v ? -s * alpha_ : -s;
  for (T& value : out) value *= static_cast<T>(factor);
  if (field_ != Field::v && field_ != Field::velocity) return;
  const double share = field_ == Field::v ? sigma : 1;  // of x0
  std::vector<T> x0(y.size());
  denoiser_->apply(y, x0);
  for (std::size_t e = 0; e < out.size(); ++e) out[e] -= static_cast<T>(share) * x0[e];
}

void ModelField::apply(double sigma, std::span<const float> y, std::span<float> out) { run(sigma, y, out); }
void ModelField::apply(double sigma, std::span<const double> y, std::span<double> out) { run(sigma, y, out); }

std::vector<double> log_densities(const Model& model, const NoiseLevel& level, std::span<const float> y) {
  return scaled_log_densities(model, level, y);
}
std::vector<double> log_densities(const Model& model, const NoiseLevel& level, std::span<const double> y) {
  return scaled_log_densities(model, level, y);
}

}  // namespace noiseutils

#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/model.hpp"
#include "score/field.hpp"

namespace noiseutils {

/// A field of a model at noisy vectors y = alpha x_0 + sigma n, prepared anew only where sigma changes. The process is
/// that of the model scaled: D(y; alpha, sigma) = D(y / alpha; sigma / alpha), score likewise and once more / alpha.
class ModelField {
 public:
  /// `model` must outlive it.
  ModelField(const Model& model, Field field, double alpha) : model_(model), field_(field), alpha_(alpha) {}

  /// out: the field at each of the vectors y (batches as in VectorMap); not the same memory. eps, v and velocity need
  /// sigma > 0; the score needs it unless the model has a density (UsageError).
  void apply(double sigma, std::span<const float> y, std::span<float> out);
  void apply(double sigma, std::span<const double> y, std::span<double> out);

 private:
  template <class T>
  void run(double sigma, std::span<const T> y, std::span<T> out);
  void prepare(double sigma);

  const Model& model_;
  Field field_;
  double alpha_;
  double sigma_ = -1;  // that the maps are made for
  std::unique_ptr<VectorMap> denoiser_, score_;
};

/// log p(y) of each vector: log p_s(y / alpha) - d log alpha, s = sigma / alpha. Natural logarithm.
std::vector<double> log_densities(const Model& model, const NoiseLevel& level, std::span<const float> y);
std::vector<double> log_densities(const Model& model, const NoiseLevel& level, std::span<const double> y);

}  // namespace noiseutils

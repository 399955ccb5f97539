#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "train/mixture_em.hpp"

namespace noiseutils {

/// The levels of patches: count, mean and sum of squares about it of the coefficient along the unit vector of each
/// channel, noisy; mergeable (Chan, Golub, LeVeque 1983).
struct LevelMoments {
  explicit LevelMoments(std::int64_t channels = 0)
      : means(static_cast<std::size_t>(channels)), scatters(static_cast<std::size_t>(channels)) {}

  double count = 0;
  std::vector<double> means, scatters;

  /// Coefficients of `n` patches, n x channels.
  void add(std::span<const double> levels);
  void merge(const LevelMoments& other);
  double variance(std::size_t channel) const { return scatters[channel] / count; }
};

/// Takes the mean of each channel out of a patch of d elements; levels[c] is what was along its unit vector.
template <class T>
void take_levels(T* patch, std::int64_t d, std::int64_t channels, double* levels) {
  const std::int64_t pixels = channels > 0 ? d / channels : d;
  for (std::int64_t c = 0; c < channels; ++c) {
    T* const row = patch + c * pixels;
    double sum = 0;
    for (std::int64_t j = 0; j < pixels; ++j) sum += static_cast<double>(row[j]);
    const double mean = sum / static_cast<double>(pixels);
    for (std::int64_t j = 0; j < pixels; ++j) row[j] = static_cast<T>(static_cast<double>(row[j]) - mean);
    levels[c] = mean * std::sqrt(static_cast<double>(pixels));
  }
}

/// Vectors x are fitted as (x - centre) / scale, so that the arithmetic is the same in all units.
struct MixtureUnits {
  std::vector<double> centre;  ///< d; 0 where levels are taken off
  double scale = 1;
};

/// The units of vectors under a law of clean ones in white noise: about its mean (0 where it has levels apart), and of
/// mean variance 1. DataError where nothing varies.
MixtureUnits units_of(const MixtureLaw& law, std::int64_t d, double noise_variance);
/// The law in these units; its levels, which no density looks at, have mean and eigenvalue 0.
MixtureLaw scaled_law(const MixtureLaw& law, std::int64_t d, const MixtureUnits& units);

/// The law in the units of the data again, but for the levels.
MixtureLaw unscaled_law(const MixtureLaw& law, std::int64_t d, const MixtureUnits& units);

/// The model of a law fitted to `count` vectors in such units, its eigenvectors of type `dtype`, with the metadata
/// model.log_likelihood (mean of a vector) and model.bic. DataError where the noise is above all that varies.
std::unique_ptr<Model> mixture_model(ModelInfo info, DType dtype, MixtureFit fit, const MixtureRequest& request,
                                     const MixtureUnits& units, const LevelMoments& levels, std::int64_t count);

}  // namespace noiseutils

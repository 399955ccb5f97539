#pragma once

#include <functional>
#include <vector>

#include "train/mixture_units.hpp"
#include "train/vector_sample.hpp"

namespace noiseutils {

/// The vectors of samples as EM sees them: in the units of the fit; patches turned by chance, as VectorSample turns
/// them, and without their levels.
template <class Real>
class ScaledVectors {
 public:
  /// `levels`: channels whose level is taken off patches.
  ScaledVectors(const VectorLayout& layout, std::int64_t levels, std::uint64_t seed, bool turned)
      : layout_(layout), channels_(levels), seed_(seed), turns_(turns_of(layout, turned)) {}

  /// `rows`: n x d; `levels`: n x channels, in the units of the data.
  using Use = std::function<void(const std::vector<Real>& rows, const std::vector<double>& levels)>;
  /// Calls `use` for runs of at most 4096 whole samples, or of 16384 patches of one image, in order.
  void for_each_run(const TrainSamples& samples, const MixtureUnits& units, const Use& use) const;

 private:
  template <class T>
  void patches_of(const Tensor& image, const TrainSamples& samples, std::int64_t number, const MixtureUnits& units,
                  const Use& use) const;

  VectorLayout layout_;
  std::int64_t channels_;
  std::uint64_t seed_;
  PatchTurns turns_;
};

extern template class ScaledVectors<float>;
extern template class ScaledVectors<double>;

}  // namespace noiseutils

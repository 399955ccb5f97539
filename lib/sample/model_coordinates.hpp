#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/linear_model.hpp"

namespace noiseutils {

/// States in the basis of a Gaussian law, where its denoiser is one gain a coordinate. The coordinates of x are
/// c = U^T x, and where the basis does not span the space x itself beside them, whose part outside the span is what
/// counts: the state is (c, r), and  x = U c + (I - U U^T) r.
class ModelCoordinates {
 public:
  explicit ModelCoordinates(const LinearModel& model);
  std::int64_t dim() const { return rank_ + residual_dim_; }  ///< of a state
  std::int64_t samples_dim() const { return model_.dim(); }

  /// Batches of states from samples, and back.
  template <class T>
  void analyse(std::span<const T> x, std::span<T> state) const;
  template <class T>
  void synthesise(std::span<const T> state, std::span<T> x) const;
  /// D(x; s) = mean + gain (x - mean), coordinate by coordinate.
  template <class T>
  void denoise(double s, std::span<const T> state, std::span<T> x0) const;
  template <class T>
  void add_mean(std::span<T> state) const;

 private:
  const LinearModel& model_;
  std::int64_t rank_, residual_dim_;
  std::vector<double> mean_;  ///< the mean as a state
};

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <span>

#include "tensor/record.hpp"
#include "train/teacher.hpp"

namespace noiseutils {

/// The linearity score of a denoiser, over pairs of independent noisy vectors:
///   LS = E |<D(a y1 + b y2), a D(y1) + b D(y2)>| / (|.| |.|),  a = b = 1/sqrt(2),
/// so that the combination has the variance of its parts. 1 for a linear D. About a centre c it is that of
/// z -> D(c + z) - D(c): 1 for every affine D. Source: Li, Dai, Qu, 2024, section 3.
class LinearityScore {
 public:
  /// Adds pairs of vectors (n x dim) with their estimates. `centre` and its estimate: dim values, or none.
  void add(Teacher& teacher, double sigma, std::span<const double> y1, std::span<const double> y2,
           std::span<const double> estimates1, std::span<const double> estimates2, std::span<const double> centre,
           std::span<const double> estimate_of_centre);
  void merge(const LinearityScore& other);
  std::int64_t count() const { return count_; }  ///< pairs
  double value() const;                          ///< the mean; NaN without pairs
  double error() const;                          ///< its standard error; NaN for fewer than two pairs

  /// Three numbers, and back.
  Tensor state() const;
  static LinearityScore from_state(const Tensor& state);

 private:
  std::int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;  // of 1 - cosine, which is small
};

}  // namespace noiseutils

#pragma once

#include "model/fitted_denoiser.hpp"

namespace noiseutils {

/// Random Fourier features of y: phi_m(y) = sqrt(2) cos(omega_m . y + p_m), which for omega ~ N(0, I / l^2) have the
/// mean product exp(-|y - y'|^2 / (2 l^2)).  Source: Rahimi, Recht, "Random features for large-scale kernel machines",
/// NeurIPS 2007.
struct FourierFeatures {
  Tensor frequencies;          ///< omega: M x dim, F32 or F64
  std::vector<double> phases;  ///< p: M, radians

  std::int64_t count() const { return frequencies.axis(0); }
  std::int64_t dim() const { return frequencies.axis(1); }
  /// phi(y) of `n` vectors y (n x dim) into rows of M values, `stride` values apart; with `sines` not null also
  /// sqrt(2) sin(.) there, n x M.
  template <class T>
  void evaluate(std::int64_t n, const T* y, T* phi, std::int64_t stride, T* sines = nullptr) const;
};

/// The denoiser D(y) = C phi(y) + W y + b, fitted by some regression for noise levels in `range`.
///   J v = W v - C diag(sqrt(2) sin(omega_m . y + p_m)) Omega v
/// weights: dim x (M + dim), [C W], row-major, F32 or F64; offset: dim. Throws DataError where sizes disagree or values
/// are not finite.
std::unique_ptr<Model> features_model(ModelInfo info, FourierFeatures features, Tensor weights,
                                      std::vector<double> offset, SigmaRange range);

/// The same from the tensors "frequencies" [M,dim], "phases" [M], "weights" [dim,M+dim], "offset" [dim], "sigma" [2].
std::unique_ptr<Model> features_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils

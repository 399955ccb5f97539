#pragma once

#include "model/model.hpp"

namespace noiseutils {

/// The training set itself as the law, sum_i delta(x - x_i) / n: the denoiser that memorises.
///   p_sigma(y) = 1/n sum_i N(y; x_i, t I),  t = sigma^2,   w_i = softmax_i(-|y - x_i|^2 / (2 t))
///   D(y) = sum_i w_i x_i;  at sigma 0 the nearest sample (the mean of those equally near)
///   J v  = 1/t sum_i w_i x_i (x_i - D)^T v
/// A draw is one of the samples: number floor(n Phi(z_1)) of the standard normals z, so it is no smooth function of
/// them. `samples`: n x dim, F32 or F64, n >= 1. All sums are in double, over fixed blocks of samples in order.
/// Throws DataError where sizes disagree or values are not finite.
/// Source: Li, Dai, Qu 2024, the delta-mixture denoiser of their code (its softmax is over -|.|^2 / (2 sigma^2)).
std::unique_ptr<Model> empirical_model(ModelInfo info, Tensor samples);

/// The same from the tensor "samples" [n,dim].
std::unique_ptr<Model> empirical_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils

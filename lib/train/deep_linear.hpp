#pragma once

#include <span>
#include <vector>

#include "linalg/blas.hpp"
#include "train/optimizer.hpp"

namespace noiseutils {

/// out = op(A) op(B) of dim x dim matrices, row-major, over the threads; the same bits for any number of them.
void square_product(std::int64_t dim, Op op_a, const double* a, Op op_b, const double* b, double* out);

/// W = W_L ... W_2 W_1 of the layers W_1, W_2, ... as they lie in `parameters`.
std::vector<double> layer_product(const ParameterShape& shape, std::span<const double> parameters);

/// Gradients of the layers from that of their product, G = dL/dW:
///   dL/dW_l = (W_L ... W_(l+1))^T G (W_(l-1) ... W_1)^T
void layer_gradients(const ParameterShape& shape, std::span<const double> parameters,
                     std::span<const double> of_product, std::span<double> gradient);

/// Layers of which each is gain^(1/L) I, so that their product is gain I. gain >= 0.
std::vector<double> initial_layers(const ParameterShape& shape, double gain);

}  // namespace noiseutils

#pragma once

#include "tensor/tensor.hpp"

namespace noiseutils {

// Sums over all elements of tensors of equal shape and type (F32 or F64), in double precision: over fixed blocks in
// parallel, the blocks' sums added in order, so that the result has the same bits for any number of threads.

/// sum_i (a_i - b_i)^2
double sum_of_squared_differences(const Tensor& a, const Tensor& b);

/// sum_i |a_i - b_i|
double sum_of_absolute_differences(const Tensor& a, const Tensor& b);

/// sum_i a_i^2
double sum_of_squares(const Tensor& a);

}  // namespace noiseutils

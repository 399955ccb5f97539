#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// Squared errors of two estimates A and B of one sample, by r = the mean of K references (or of one, the clean one):
///   difference = sum (A - r)^2 - (B - r)^2      over each block of at most 1,024; unbiased for sum (A-x)^2 - (B-x)^2
///   error = sum of (A - r)^2 - S / K, S the variance of the K references at the element (0 of one): unbiased too
struct PairedErrors {
  std::vector<double> differences;
  double error_a = 0, error_b = 0, elements = 0;
};
/// All tensors have the shape of A and type F32 or F64; blocks of `side` elements as in unsupervised_blocks().
PairedErrors paired_errors(const Tensor& a, const Tensor& b, const std::vector<Tensor>& references, std::int64_t side);

/// Is the sum of paired differences other than 0?
struct PairedTest {
  double sum = 0;
  double half_width = 0;  ///< of a Student interval of the sum, sd from the scatter of the differences
  double p = 1;           ///< two-sided: share of sign flips whose sum is at least as large, itself counted
};
/// Differences are independent, and symmetric about 0 where A and B are equally good. Signs: bits of elements 0, 1 ...
/// of stream (seed, resample, 0, 2^41 + number of the flip). NaN half-width of fewer than two.
PairedTest paired_test(const std::vector<double>& differences, double confidence, std::int64_t flips,
                       std::uint64_t seed);

}  // namespace noiseutils

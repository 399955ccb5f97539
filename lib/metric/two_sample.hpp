#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "metric/sample_set.hpp"

namespace noiseutils {

/// Turns squared distances |x_i - x_j|^2 into values k(x_i, x_j) of a kernel, in place.
using Kernel = std::function<void(std::span<double> squared_distances)>;

struct TwoSampleTest {
  double statistic = 0;
  double error = 0;    ///< standard error, of the U-statistic's projections; of little meaning near 0
  double p_value = 1;  ///< of "both sets have one law"; 1/(permutations + 1) at the least
};

/// The unbiased squared maximum mean discrepancy of two sets, n and m of them,
///   sum_i!=j k(x_i, x_j) / (n (n - 1)) + sum_i!=j k(y_i, y_j) / (m (m - 1)) - 2 sum_ij k(x_i, y_j) / (n m)
/// and its p-value among random relabellings. k -> -|x - y| gives the energy distance.
/// Never holds the (n + m)^2 kernel values: memory is permutations x (n + m) numbers besides the sets.
/// Source: Gretton and others, "A kernel two-sample test", JMLR 2012.
TwoSampleTest two_sample_test(const SampleRows& x, const SampleRows& y, const Kernel& kernel, std::int64_t permutations,
                              std::uint64_t seed);

/// The median distance between different samples of both sets, of at most 1000 of them picked by `seed`.
double median_distance(const SampleRows& x, const SampleRows& y, std::uint64_t seed);

/// |x_i - y_j|^2, rows(x) x rows(y), at least 0; by matrix products, with an error of some eps (|x_i|^2 + |y_j|^2).
void squared_distances(std::int64_t dim, std::span<const double> x, std::span<const double> y, std::span<double> out);

}  // namespace noiseutils

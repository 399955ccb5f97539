#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace noiseutils {

/// The law of a band's values: density ~ exp(-|x / scale|^shape) for |x| <= bound, else 0.
struct BoundedGeneralisedGaussian {
  double scale, shape, bound;
};

/// Standard deviation of the law.
double deviation_of(const BoundedGeneralisedGaussian& law);

/// The values, rising, at which the distribution function of the law is (i + 1/2) / count, i = 0 ... count-1, times the
/// factor, 1 + O(1 / count), that makes their root mean square the standard deviation of the law. Their mean is 0.
std::vector<double> quantiles_of(const BoundedGeneralisedGaussian& law, std::size_t count);

/// Replaces the smallest value by the first of `sorted`, and so on by rank: exact histogram matching. Equal values rank
/// by place. Both have the same length.
void match_values(std::span<double> values, std::span<const double> sorted);

}  // namespace noiseutils

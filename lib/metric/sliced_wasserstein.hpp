#pragma once

#include <cstdint>
#include <span>

#include "metric/sample_set.hpp"

namespace noiseutils {

/// W_p^p of two sets of numbers, each sorted, all of one weight within a set: the integral of |F^-1 - G^-1|^p over
/// (0, 1). order: p = 1 or 2.
double wasserstein_of_sorted(std::span<const double> x, std::span<const double> y, int order);

struct SlicedWasserstein {
  double value = 0;    ///< (mean of W_p^p over directions)^(1/p), in units of the samples
  double error = 0;    ///< its standard error over directions
  double largest = 0;  ///< W_p along the worst of the directions
};

/// Sliced Wasserstein distance of order 1 or 2 along `projections` uniform directions, those of `seed`; exact in one
/// dimension. Of samples of N(m, s^2 I) and N(m', s'^2 I) the square of order 2 tends to |m - m'|^2 / d + (s - s')^2.
/// Source: Bonneel, Rabin, Peyre, Pfister, "Sliced and Radon Wasserstein barycenters of measures", 2015.
SlicedWasserstein sliced_wasserstein(const SampleRows& x, const SampleRows& y, int order, std::int64_t projections,
                                     std::uint64_t seed);

}  // namespace noiseutils

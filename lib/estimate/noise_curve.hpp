#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "estimate/plane.hpp"

namespace noiseutils {

/// A figure and its standard error; NaN where unknown.
struct Estimated {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();
};

/// Sums over the items (blocks, pixels) of one tile that belong to one point.
struct CurveSums {
  double count = 0, mean = 0, variance = 0;

  void add(double m, double v) {
    count += 1;
    mean += m;
    variance += v;
  }
  void add(const CurveSums& other) {
    count += other.count;
    mean += other.mean;
    variance += other.variance;
  }
};

/// Items of about equal mean: the point (mean, variance) of a noise curve, in parts by tile.
using CurveBin = std::array<CurveSums, kTiles>;

struct CurvePoint {
  double mean = 0, variance = 0, count = 0;
};

/// The variance of the noise against the mean of the signal, by rising mean.
struct NoiseCurve {
  std::vector<CurveBin> bins;

  /// The points, without the items of one tile (or with all: kTiles). Empty points are left out.
  std::vector<CurvePoint> points(std::size_t without = kTiles) const;
};

/// The jackknife over tiles: estimate(kTiles) is the figure, estimate(t) the one without tile t; a tile whose figure is
/// NaN had no items.
///   se^2 = (T-1)/T sum_t (theta_t - mean theta)^2
/// Source: Efron, "The jackknife, the bootstrap and other resampling plans", 1982, eq. 3.8.
template <class Estimate>
Estimated jackknife(const Estimate& estimate) {
  Estimated result;
  result.value = estimate(kTiles);
  double sum = 0, squares = 0, count = 0;
  for (std::size_t tile = 0; tile < kTiles; ++tile) {
    const double d = estimate(tile) - result.value;
    if (!std::isfinite(d)) continue;
    sum += d;
    squares += d * d;
    count += 1;
  }
  if (count >= 2) result.error = std::sqrt(std::max(0.0, (count - 1) / count * (squares - sum * sum / count)));
  return result;
}

}  // namespace noiseutils

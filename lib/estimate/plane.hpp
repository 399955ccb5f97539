#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// Standard errors come from leaving out one of this many tiles of a plane at a time, 4 by 4 of them.
inline constexpr std::int64_t kTilesASide = 4;
inline constexpr std::size_t kTiles = 16;

/// One image of a sample: a channel, or a frame of a stack.
struct Plane {
  std::int64_t height = 0, width = 0;
  Tensor tensor;  ///< F64, height x width
  /// Values at or beyond these are clipped, and tell nothing of the noise.
  double clip_low = -std::numeric_limits<double>::infinity(), clip_high = std::numeric_limits<double>::infinity();

  std::span<const double> values() const { return tensor.values<double>(); }
  bool is_clipped(double value) const { return value <= clip_low || value >= clip_high; }
  /// The tile of the item in row r of `rows`, column c of `cols`.
  static std::size_t tile(std::int64_t r, std::int64_t rows, std::int64_t c, std::int64_t cols) {
    return static_cast<std::size_t>(r * kTilesASide / rows * kTilesASide + c * kTilesASide / cols);
  }
};

/// The planes of a sample, in order; clip_low and clip_high are found from the values: an extreme value is a clip where
/// it is at least 4 times as frequent as its neighbour value, which in turn is no more than twice as frequent as the
/// next one (counts of a dark scene pile up at 0 too, but fall off fast).
/// Throws DataError unless the last axes are H and W, both at least 16, or if all values are equal.
std::vector<Plane> planes_of(const Tensor& sample, const std::string& axes);

/// What all values of some planes say.
struct ValueFacts {
  double lowest = 0;
  double clipped_fraction = 0;
  /// The step h of values that all are whole multiples of h, as counts are; 0 where there is none.
  double step = 0;
};
ValueFacts facts_of(const std::vector<Plane>& planes);

}  // namespace noiseutils

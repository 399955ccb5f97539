#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// A piece of an axis.
struct TileSpan {
  std::int64_t begin = 0, size = 0;
};

constexpr std::int64_t kTile = 1024;       ///< pixels a side
constexpr std::int64_t kTileOverlap = 64;  ///< with the next one

/// The pieces of an axis of `size` pixels: one up to kTile + kTileOverlap; beyond, pieces of kTile with kTileOverlap in
/// common, the last one of 129 to 1088. They depend on nothing else.
std::vector<TileSpan> tile_spans(std::int64_t size);

/// The share of piece i in pixel `at` of the axis: where two overlap, (1 -+ cos(pi (d + 1/2) / kTileOverlap)) / 2 at
/// pixel d of the overlap. The shares of all pieces sum to 1.
double tile_share(const std::vector<TileSpan>& spans, std::size_t i, std::int64_t at);

}  // namespace noiseutils

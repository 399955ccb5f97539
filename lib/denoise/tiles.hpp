#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// A piece of an axis.
struct TileSpan {
  std::int64_t begin = 0, size = 0;
};

/// How an axis is cut.
struct Tiling {
  std::int64_t tile, overlap;
};

constexpr Tiling kImageTiling{1024, 64};  ///< pixels a side of an image
constexpr Tiling kStackTiling{512, 64};   ///< of a stack, of which several frames are held
constexpr Tiling kFrameTiling{24, 6};     ///< frames of a stack

/// The pieces of an axis of `size`: one up to tile + overlap; beyond, pieces of `tile` with `overlap` in common, the
/// last one of more than 2 overlap up to tile + overlap. They depend on nothing else.
std::vector<TileSpan> tile_spans(std::int64_t size, const Tiling& tiling = kImageTiling);

/// The share of piece i in place `at` of the axis: where two overlap, (1 -+ cos(pi (d + 1/2) / overlap)) / 2 at place d
/// of the overlap. The shares of all pieces sum to 1.
double tile_share(const std::vector<TileSpan>& spans, std::size_t i, std::int64_t at);

}  // namespace noiseutils

#include "denoise/tiles.hpp"

#include <algorithm>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// Of the later of two pieces.
double rising(std::int64_t d) {
  return 0.5 * (1 - portable::sincos_of_turns((static_cast<double>(d) + 0.5) / (2.0 * kTileOverlap)).cos);
}

}  // namespace

std::vector<TileSpan> tile_spans(std::int64_t size) {
  constexpr std::int64_t kStep = kTile - kTileOverlap;
  const std::int64_t count = std::max<std::int64_t>(1, (size - 2 * kTileOverlap + kStep - 1) / kStep);
  std::vector<TileSpan> spans;
  for (std::int64_t i = 0; i < count; ++i) spans.push_back({i * kStep, i + 1 < count ? kTile : size - i * kStep});
  return spans;
}

double tile_share(const std::vector<TileSpan>& spans, std::size_t i, std::int64_t at) {
  const TileSpan& span = spans[i];
  if (at < span.begin || at >= span.begin + span.size) return 0;
  if (i > 0 && at < span.begin + kTileOverlap) return rising(at - span.begin);
  if (i + 1 < spans.size() && at >= spans[i + 1].begin) return 1 - rising(at - spans[i + 1].begin);
  return 1;
}

}  // namespace noiseutils

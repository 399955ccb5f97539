#include "denoise/tiles.hpp"

#include <algorithm>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// Of the later of two pieces, at place d of their overlap.
double rising(std::int64_t d, std::int64_t overlap) {
  return 0.5 *
         (1 - portable::sincos_of_turns((static_cast<double>(d) + 0.5) / (2.0 * static_cast<double>(overlap))).cos);
}

}  // namespace

std::vector<TileSpan> tile_spans(std::int64_t size, const Tiling& tiling) {
  const std::int64_t step = tiling.tile - tiling.overlap;
  const std::int64_t count = std::max<std::int64_t>(1, (size - 2 * tiling.overlap + step - 1) / step);
  std::vector<TileSpan> spans;
  for (std::int64_t i = 0; i < count; ++i) spans.push_back({i * step, i + 1 < count ? tiling.tile : size - i * step});
  return spans;
}

double tile_share(const std::vector<TileSpan>& spans, std::size_t i, std::int64_t at) {
  const TileSpan& span = spans[i];
  const std::int64_t end = span.begin + span.size;
  if (at < span.begin || at >= end) return 0;
  if (i > 0) {
    const std::int64_t overlap = spans[i - 1].begin + spans[i - 1].size - span.begin;
    if (at < span.begin + overlap) return rising(at - span.begin, overlap);
  }
  if (i + 1 < spans.size() && at >= spans[i + 1].begin)
    return 1 - rising(at - spans[i + 1].begin, end - spans[i + 1].begin);
  return 1;
}

}  // namespace noiseutils

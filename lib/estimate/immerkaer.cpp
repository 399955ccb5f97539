#include <cmath>
#include <numbers>

#include "base/threads.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

/// Sums of |y * [[1,-2,1],[-2,4,-2],[1,-2,1]]| by tile, over windows without clipped values. The mask has norm 6.
void add_plane(const Plane& plane, std::array<CurveSums, kTiles>& sums) {
  const std::int64_t rows = plane.height - 2, cols = plane.width - 2, w = plane.width;
  std::vector<std::array<CurveSums, kTiles>> parts(static_cast<std::size_t>(rows));
  parallel_blocks(rows, [&](std::int64_t r) {
    const double* y = plane.values().data() + r * w;
    for (std::int64_t c = 0; c < cols; ++c, ++y) {
      bool clipped = false;
      for (const std::int64_t at : {std::int64_t{0}, w, 2 * w})
        clipped = clipped || plane.is_clipped(y[at]) || plane.is_clipped(y[at + 1]) || plane.is_clipped(y[at + 2]);
      if (clipped) continue;
      const double corners = y[0] + y[2] + y[2 * w] + y[2 * w + 2];
      const double sides = y[1] + y[w] + y[w + 2] + y[2 * w + 1];
      parts[static_cast<std::size_t>(r)][Plane::tile(r, rows, c, cols)].add(
          0, std::abs(corners - 2 * sides + 4 * y[w + 1]));
    }
  });
  for (const auto& part : parts)
    for (std::size_t tile = 0; tile < kTiles; ++tile) sums[tile].add(part[tile]);
}

/// sigma = sqrt(pi/2) / 6 mean |mask * y|.
/// Source: Immerkaer, "Fast noise variance estimation", 1996.
Finding find(const Captures& captures) {
  std::array<CurveSums, kTiles> sums{};
  for (const Plane& plane : captures.first()) add_plane(plane, sums);
  Finding finding;
  finding.sigma = jackknife([&](std::size_t without) {
    CurveSums total;
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      if (tile != without) total.add(sums[tile]);
    return std::sqrt(std::numbers::pi / 2) / 6 * total.variance / total.count;
  });
  return finding;
}

}  // namespace

EstimateMethod immerkaer_method() {
  return {"immerkaer", "mean size of a Laplacian difference; sigma only", false, false, find};
}

}  // namespace noiseutils

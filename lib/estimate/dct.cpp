#include <algorithm>
#include <limits>

#include "estimate/flat_blocks.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

/// A tile has to hold blocks of its own, or leaving it out does not tell an error: of images below 64x64 there is none.
bool tiles_hold_blocks(const Plane& plane) {
  return std::min(plane.height, plane.width) >= 2 * kBlockSide * static_cast<std::int64_t>(kTilesASide);
}

Finding find(const Captures& captures) {
  const std::vector<Plane>& planes = captures.first();
  const auto blocks = dct_blocks(planes);
  FlatBlocks flat = choose_flat_blocks(planes, blocks);
  Finding finding;
  finding.curve = std::move(flat.curve);
  finding.sigma = sigma_of_blocks(planes, blocks);
  finding.correlation = correlation_of(spectrum_of(planes, blocks, flat.weights));
  if (!tiles_hold_blocks(planes.front()))
    for (Estimated& lag : finding.correlation->lags) lag.error = std::numeric_limits<double>::quiet_NaN();
  return finding;
}

}  // namespace

EstimateMethod dct_method() { return {"dct", "high frequencies of the flattest 8x8 blocks", true, false, find}; }

}  // namespace noiseutils

#include "estimate/noise_curve.hpp"

namespace noiseutils {

std::vector<CurvePoint> NoiseCurve::points(std::size_t without) const {
  std::vector<CurvePoint> all;
  for (const CurveBin& bin : bins) {
    CurveSums sums;
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      if (tile != without) sums.add(bin[tile]);
    if (sums.count > 0) all.push_back({sums.mean / sums.count, sums.variance / sums.count, sums.count});
  }
  return all;
}

}  // namespace noiseutils

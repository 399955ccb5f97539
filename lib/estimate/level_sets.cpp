#include <algorithm>
#include <cmath>

#include "estimate/haar.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

/// Level sets of the 2x2 means, 40 of equal count, each with the robust variance (median |detail| / 0.6745)^2. A
/// median has no parts by tile: every tile of a set gets sizes of its own where it has enough of them, so that tiles
/// left out tell the error, and the tiles of a set are scaled to its median. Source: Foi et al., "Practical
/// Poissonian-Gaussian noise modeling and fitting for single-image raw-data", 2008.
Finding find(const Captures& captures) {
  constexpr std::size_t kSets = 40, kLeast = 50;
  auto groups = haar_groups(captures.first());
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.mean < b.mean; });
  const std::size_t sets = std::clamp<std::size_t>(groups.size() / kLeast, 1, kSets);
  Finding finding;
  finding.curve.bins.resize(sets);
  std::vector<double> all;
  for (std::size_t set = 0; set < sets; ++set) {
    const std::size_t from = groups.size() * set / sets, to = groups.size() * (set + 1) / sets;
    std::vector<double> sizes;
    CurveBin& bin = finding.curve.bins[set];
    for (std::size_t i = from; i < to; ++i) {
      sizes.push_back(std::abs(groups[i].detail));
      bin[groups[i].tile].add(groups[i].mean, 0);
    }
    all.insert(all.end(), sizes.begin(), sizes.end());
    const double sigma = median_of(sizes) / kNormalMedian;
    std::array<std::vector<double>, kTiles> of_tile;
    for (std::size_t i = from; i < to; ++i) of_tile[groups[i].tile].push_back(std::abs(groups[i].detail));
    double total = 0;
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      const double own = of_tile[tile].size() < kLeast / 4 ? sigma : median_of(of_tile[tile]) / kNormalMedian;
      bin[tile].variance = bin[tile].count * own * own;
      total += bin[tile].variance;
    }
    if (total <= 0) continue;
    const double scale = static_cast<double>(to - from) * sigma * sigma / total;
    for (CurveSums& sums : bin) sums.variance *= scale;
  }
  finding.sigma.value = median_of(all) / kNormalMedian;
  finding.sigma.error = 1.1664 * finding.sigma.value / std::sqrt(static_cast<double>(all.size()));
  return finding;
}

}  // namespace

EstimateMethod level_sets_method() {
  return {"level-sets", "robust variance of Haar details on 40 level sets of the local mean", true, false, find};
}

}  // namespace noiseutils

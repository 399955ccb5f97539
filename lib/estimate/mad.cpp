#include <cmath>

#include "estimate/haar.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

/// sigma = median |HH| / 0.6745 over the disjoint 2x2 Haar details. The error is that of a median of n normal values:
/// sigma sqrt(pi / 2) / (2 x 0.6745 x sqrt(n) exp(-0.6745^2 / 2)) = 1.1664 sigma / sqrt(n).
/// Source: Donoho, Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
Finding find(const Captures& captures) {
  std::vector<double> sizes;
  for (const HaarGroup& group : haar_groups(captures.first())) sizes.push_back(std::abs(group.detail));
  Finding finding;
  finding.sigma.value = median_of(sizes) / kNormalMedian;
  finding.sigma.error = 1.1664 * finding.sigma.value / std::sqrt(static_cast<double>(sizes.size()));
  return finding;
}

}  // namespace

EstimateMethod mad_method() { return {"mad", "median size of Haar wavelet details; sigma only", false, false, find}; }

}  // namespace noiseutils

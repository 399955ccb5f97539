#include "estimate/flat_blocks.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

Finding find(const Captures& captures) {
  const std::vector<Plane>& planes = captures.first();
  const auto blocks = dct_blocks(planes);
  FlatBlocks flat = choose_flat_blocks(planes, blocks);
  Finding finding;
  finding.curve = std::move(flat.curve);
  finding.sigma = sigma_of_blocks(planes, blocks);
  finding.correlation = correlation_of(spectrum_of(planes, blocks, flat.weights));
  return finding;
}

}  // namespace

EstimateMethod dct_method() { return {"dct", "high frequencies of the flattest 8x8 blocks", true, false, find}; }

}  // namespace noiseutils

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "estimate/method.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kSide = 8, kChunks = 32, kMostPatches = 1 << 17;
constexpr std::size_t kDim = 64;

/// Sums over patches: count, values, products (upper triangle, column by column).
struct PatchSums {
  double count = 0;
  std::array<double, kDim> mean{};
  std::array<double, kDim*(kDim + 1) / 2> products{};

  void add(const std::array<double, kDim>& patch) {
    count += 1;
    double* product = products.data();
    for (std::size_t col = 0; col < kDim; ++col) {
      mean[col] += patch[col];
      for (std::size_t row = 0; row <= col; ++row) *product++ += patch[row] * patch[col];
    }
  }
  void add(const PatchSums& other) {
    count += other.count;
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += other.mean[i];
    for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
  }
};
using TileSums = std::vector<PatchSums>;  // kTiles of them

/// False if the patch holds a clipped value. The values are less `centre`, which spares digits.
bool load_patch(const Plane& plane, std::int64_t row, std::int64_t col, double centre,
                std::array<double, kDim>& patch) {
  for (std::size_t r = 0; r < kSide; ++r)
    for (std::size_t c = 0; c < kSide; ++c) {
      const double value = plane.values()[static_cast<std::size_t>((row + static_cast<std::int64_t>(r)) * plane.width +
                                                                   col + static_cast<std::int64_t>(c))];
      if (plane.is_clipped(value)) return false;
      patch[r * kSide + c] = value - centre;
    }
  return true;
}

void add_plane(const Plane& plane, double centre, TileSums& sums) {
  const double pixels = static_cast<double>(plane.height) * static_cast<double>(plane.width);
  const auto stride = std::max<std::int64_t>(3, static_cast<std::int64_t>(std::ceil(std::sqrt(pixels / kMostPatches))));
  const std::int64_t rows = (plane.height - kSide) / stride + 1, cols = (plane.width - kSide) / stride + 1;
  std::vector<TileSums> parts(kChunks);
  parallel_blocks(kChunks, [&](std::int64_t chunk) {
    TileSums& part = parts[static_cast<std::size_t>(chunk)];
    part.resize(kTiles);
    std::array<double, kDim> patch;
    for (std::int64_t r = rows * chunk / kChunks; r < rows * (chunk + 1) / kChunks; ++r)
      for (std::int64_t c = 0; c < cols; ++c)
        if (load_patch(plane, r * stride, c * stride, centre, patch)) part[Plane::tile(r, rows, c, cols)].add(patch);
  });
  for (const TileSums& part : parts)
    for (std::size_t tile = 0; tile < kTiles; ++tile) sums[tile].add(part[tile]);
}

/// The eigenvalues of the patches' covariance, rising.
std::vector<double> eigenvalues_of(const PatchSums& sums) {
  std::vector<double> matrix(kDim * kDim, 0), values(kDim);
  const double* product = sums.products.data();
  for (std::size_t col = 0; col < kDim; ++col)
    for (std::size_t row = 0; row <= col; ++row, ++product)
      matrix[col * kDim + row] = *product / sums.count - sums.mean[row] / sums.count * (sums.mean[col] / sums.count);
  symmetric_eigen<double>(kDim, matrix.data(), values.data());
  return values;
}

/// The mean of the m smallest eigenvalues, for the largest m whose mean is no more than their median: those of noise
/// scatter evenly around its variance, those of signal raise the mean.
double noise_variance(const std::vector<double>& rising) {
  double sum = 0;
  for (const double value : rising) sum += value;
  for (std::size_t m = rising.size(); m > 1; sum -= rising[--m]) {
    const double median = (rising[(m - 1) / 2] + rising[m / 2]) / 2;
    if (sum / static_cast<double>(m) <= median) return sum / static_cast<double>(m);
  }
  return rising.front();
}

/// Source: Chen, Zhu, Heng, "An efficient statistical method for image noise level estimation", ICCV 2015, algorithm 1.
Finding find(const Captures& captures) {
  TileSums sums(kTiles);
  double centre = 0;
  for (const double value : captures.first().front().values()) centre += value;
  centre /= static_cast<double>(captures.first().front().values().size());
  for (const Plane& plane : captures.first()) add_plane(plane, centre, sums);
  Finding finding;
  finding.sigma = jackknife([&](std::size_t without) {
    PatchSums total;
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      if (tile != without) total.add(sums[tile]);
    if (total.count < 2 * kDim) return std::numeric_limits<double>::quiet_NaN();
    return std::sqrt(std::max(0.0, noise_variance(eigenvalues_of(total))));
  });
  if (!std::isfinite(finding.sigma.value))
    throw DataError(
        "pca needs at least 128 patches of 8x8 without clipped values, every third pixel; the image is too small");
  return finding;
}

}  // namespace

EstimateMethod pca_method() {
  return {"pca", "smallest eigenvalues of the covariance of 8x8 patches; sigma only", false, false, find};
}

}  // namespace noiseutils

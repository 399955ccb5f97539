#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "estimate/haar.hpp"
#include "estimate/method.hpp"
#include "linalg/marchenko_pastur.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kLeastPlanes = 4;
constexpr std::int64_t kMostPatches = 4096;

/// The patches of all planes at one place, as a matrix of planes x pixels.
double patch_variance(const std::vector<const Plane*>& planes, std::int64_t row, std::int64_t col, std::int64_t side) {
  Eigen::MatrixXd patch(static_cast<Eigen::Index>(planes.size()), side * side);
  for (std::size_t t = 0; t < planes.size(); ++t)
    for (std::int64_t i = 0; i < side * side; ++i) {
      const std::int64_t at = (row + i / side) * planes[t]->width + col + i % side;
      const double value = planes[t]->values()[static_cast<std::size_t>(at)];
      if (planes[t]->is_clipped(value)) return std::numeric_limits<double>::quiet_NaN();
      patch(static_cast<Eigen::Index>(t), i) = value;
    }
  if (patch.rows() > patch.cols()) patch.transposeInPlace();
  const Eigen::MatrixXd gram = patch * patch.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram, Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& values = solver.eigenvalues();
  const NoiseTail tail = noise_tail({values.data(), values.data() + values.size()}, patch.cols());
  const auto columns = static_cast<double>(patch.cols()), above = static_cast<double>(values.size() - tail.count);
  return tail.variance * columns / (columns - above);
}

/// Patches of the least odd side, 5 at least, that have as many pixels as there are planes; median over patches.
Finding find(const Captures& captures) {
  std::vector<const Plane*> planes;
  for (const auto& capture : captures.captures)
    for (const Plane& plane : capture) planes.push_back(&plane);
  if (planes.size() < kLeastPlanes)
    throw DataError("mp-pca needs a stack of at least 4 planes (frames, channels, captures), there are " +
                    std::to_string(planes.size()));
  std::int64_t side = 5;
  while (side * side < static_cast<std::int64_t>(planes.size())) side += 2;
  const std::int64_t height = planes.front()->height, width = planes.front()->width;
  if (side > std::min(height, width))
    throw DataError("mp-pca needs patches of " + std::to_string(side) + "x" + std::to_string(side) + " for " +
                    std::to_string(planes.size()) + " planes; the image is smaller");
  std::int64_t stride = side;
  while ((height - side) / stride * ((width - side) / stride) > kMostPatches) ++stride;
  const std::int64_t rows = (height - side) / stride + 1, cols = (width - side) / stride + 1;
  std::vector<double> all(static_cast<std::size_t>(rows * cols));
  parallel_blocks(rows * cols, [&](std::int64_t i) {
    all[static_cast<std::size_t>(i)] = patch_variance(planes, i / cols * stride, i % cols * stride, side);
  });
  std::erase_if(all, [](double variance) { return !std::isfinite(variance); });
  if (all.empty()) throw DataError("all patches hold clipped values: nothing to measure noise by");
  const double variance = median_of(all);
  std::vector<double> deviations;
  for (const double value : all) deviations.push_back(std::abs(value - variance));
  const double spread = median_of(deviations) / kNormalMedian;
  Finding finding;
  finding.sigma.value = std::sqrt(variance);
  // The median of n values scatters by 1.2533 times their spread / sqrt(n); sigma by half of that relative to variance.
  finding.sigma.error = 1.2533 * spread / std::sqrt(static_cast<double>(all.size())) / (2 * finding.sigma.value);
  return finding;
}

}  // namespace

EstimateMethod mp_pca_method() {
  return {"mp-pca", "Marchenko-Pastur tail of the eigenvalues of a stack's patches; sigma only", false, false, find};
}

}  // namespace noiseutils

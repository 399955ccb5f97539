#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "metric/kernels.hpp"
#include "metric/metric.hpp"

namespace noiseutils {
namespace {

constexpr double kSigma = 1.5, kK1 = 0.01, kK2 = 0.03;
// The expanded rows of a tile (11 rings of 4 images) stay in the second-level cache.
constexpr std::int64_t kTileRows = 64, kTileColumns = 512;

std::array<double, kSsimTaps> gaussian_taps() {
  std::array<double, kSsimTaps> taps;
  double total = 0;
  for (int i = 0; i < kSsimTaps; ++i) {
    const double x = (i - kSsimTaps / 2) / kSigma;
    total += taps[static_cast<std::size_t>(i)] = std::exp(-0.5 * x * x);
  }
  for (double& tap : taps) tap /= total;
  return taps;
}

/// The sum of the index over all windows that lie inside a plane of height by width.
template <class Real>
double plane_sum(const Real* x, const Real* y, std::int64_t height, std::int64_t width, double range) {
  static const auto taps = gaussian_taps();
  const std::int64_t rows = height - kSsimTaps + 1, columns = width - kSsimTaps + 1;
  const std::int64_t across = (columns + kTileColumns - 1) / kTileColumns;
  const std::int64_t tiles = (rows + kTileRows - 1) / kTileRows * across;
  std::vector<double> partial(static_cast<std::size_t>(tiles));
  parallel_blocks(tiles, [&](std::int64_t index) {
    const std::int64_t row = index / across * kTileRows, column = index % across * kTileColumns;
    SsimTile<Real> tile{};
    tile.x = x + row * width + column;
    tile.y = y + row * width + column;
    tile.stride = width;
    tile.rows = std::min(kTileRows, rows - row);
    tile.columns = std::min(kTileColumns, columns - column);
    tile.taps = taps.data();
    tile.c1 = (kK1 * range) * (kK1 * range);
    tile.c2 = (kK2 * range) * (kK2 * range);
    std::vector<double> scratch(static_cast<std::size_t>(ssim_scratch(tile.columns)));
    tile.scratch = scratch.data();
    partial[static_cast<std::size_t>(index)] = metric_kernels().ssim(tile);
  });
  double total = 0;
  for (const double part : partial) total += part;
  return total;
}

template <class Real>
double sum_over_planes(const MetricSample& sample, std::int64_t height, std::int64_t width) {
  const auto x = sample.data().values<Real>(), y = sample.clean().values<Real>();
  double total = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += static_cast<std::size_t>(height * width))
    total += plane_sum(x.data() + begin, y.data() + begin, height, width, sample.range());
  return total;
}

/// Structural similarity: the mean over all windows inside the image, and over its channels (and frames), of
///   (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)),   C1 = (0.01 R)^2, C2 = (0.03 R)^2
/// with moments under an 11 x 11 Gaussian window of sigma 1.5 and of weights of sum 1 (so variances are those of a
/// population). Source: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Processing 13, 2004, eq. (13)-(16).
class StructuralSimilarity : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const std::string& axes = sample.axes();
    if (!axes.ends_with("HW"))
      throw DataError("ssim needs images: the axes of a sample are \"" + axes + "\", expected to end in HW (--axes)");
    const Shape& shape = sample.data().shape();
    const std::int64_t height = shape[shape.size() - 2], width = shape.back();
    if (height < kSsimTaps || width < kSsimTaps)
      throw DataError("ssim needs images of at least 11 x 11 pixels, data has shape " + shape_text(shape));
    sums_[0] += sample.data().dtype() == DType::F32 ? sum_over_planes<float>(sample, height, width)
                                                    : sum_over_planes<double>(sample, height, width);
    const std::int64_t windows = (height - kSsimTaps + 1) * (width - kSsimTaps + 1);
    sums_[1] += static_cast<double>(sample.data().size() / (height * width) * windows);
  }
  std::vector<NamedValue> finish() const override { return {{"ssim", sums_[0] / sums_[1]}}; }
};

}  // namespace

MetricEntry ssim_metric() {
  return {"ssim", "structural similarity (Wang 2004, 11 x 11 Gaussian window)",
          true,   0,
          {},     make_metric<StructuralSimilarity>};
}

}  // namespace noiseutils

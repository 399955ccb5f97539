#include "metric/ssim_windows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr double kSigma = 1.5;
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

template <class Real>
double window_sum(const Real* x, const Real* y, std::int64_t height, std::int64_t width, double c1, double c2) {
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
    tile.c1 = c1;
    tile.c2 = c2;
    std::vector<double> scratch(static_cast<std::size_t>(ssim_scratch(tile.columns)));
    tile.scratch = scratch.data();
    partial[static_cast<std::size_t>(index)] = metric_kernels().ssim(tile);
  });
  double total = 0;
  for (const double part : partial) total += part;
  return total;
}

}  // namespace

double ssim_window_sum(const float* x, const float* y, std::int64_t height, std::int64_t width, double c1, double c2) {
  return window_sum(x, y, height, width, c1, c2);
}
double ssim_window_sum(const double* x, const double* y, std::int64_t height, std::int64_t width, double c1,
                       double c2) {
  return window_sum(x, y, height, width, c1, c2);
}

}  // namespace noiseutils

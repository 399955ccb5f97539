#include "model/guided_means.hpp"

#include <algorithm>
#include <array>

#include "base/threads.hpp"
#include "model/cascade_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kReach = 10;  // of the window
constexpr std::int64_t kHalf = 3;    // of the patches
constexpr std::int64_t kSide = 2 * kHalf + 1;
constexpr std::int64_t kBand = 64;

/// What the pixels of a band, and of the kReach rows below, got from the pairs whose upper pixel is in the band.
struct GuidedBand {
  std::int64_t first, rows, reached;  // pixels' rows: of p, and of p and q
  std::array<PaddedPlane, 4> sums;    // narrow and wide: values, weights
};

class GuidedWork {
 public:
  GuidedWork(const PaddedPlane& guide, const PaddedPlane& noisy, float tau_narrow, float tau_wide)
      : guide_(guide),
        noisy_(noisy),
        inverse_narrow_(1 / (kSide * kSide * tau_narrow)),
        inverse_wide_(1 / (kSide * kSide * tau_wide)) {}

  GuidedBand work(std::int64_t band) const {
    const std::int64_t first = band * kBand, rows = std::min(kBand, guide_.height - first);
    GuidedBand result{first, rows, std::min(rows + kReach, guide_.height - first), {}};
    for (PaddedPlane& sum : result.sums) sum = PaddedPlane(result.reached, guide_.width);
    for (std::int64_t down = 0; down <= kReach; ++down)
      for (std::int64_t right = down == 0 ? 1 : -kReach; right <= kReach; ++right) add_shift(down, right, result);
    return result;
  }

 private:
  void add_shift(std::int64_t down, std::int64_t right, GuidedBand& band) const {
    const std::int64_t left = std::max<std::int64_t>(0, -right);
    const std::int64_t n = guide_.width - std::abs(right), columns = n + kSide - 1;
    const std::int64_t rows = std::min(band.rows, guide_.height - down - band.first);
    if (n <= 0 || rows <= 0) return;
    std::vector<float> squares(static_cast<std::size_t>(kSide * columns)), sums(static_cast<std::size_t>(columns)),
        scratch(static_cast<std::size_t>(2 * n));
    const CascadeKernels& kernels = cascade_kernels();
    for (std::int64_t r = -2 * kHalf; r < rows; ++r) {
      const std::int64_t y = band.first + r + kHalf;  // the last row of the patches about row r
      kernels.slide(columns, guide_.row(y) + left - kHalf, guide_.row(y + down) + left + right - kHalf,
                    squares.data() + (r + kSide) % kSide * columns, sums.data());
      if (r < 0) continue;
      GuidedRow row{n,
                    inverse_narrow_,
                    inverse_wide_,
                    noisy_.row(band.first + r) + left,
                    noisy_.row(band.first + r + down) + left + right,
                    at(band, 0, r, left),
                    at(band, 0, r + down, left + right),
                    at(band, 1, r, left),
                    at(band, 1, r + down, left + right),
                    at(band, 2, r, left),
                    at(band, 2, r + down, left + right),
                    at(band, 3, r, left),
                    at(band, 3, r + down, left + right)};
      kernels.average(row, sums.data(), scratch.data());
    }
  }

  static float* at(GuidedBand& band, std::size_t sum, std::int64_t row, std::int64_t column) {
    return band.sums[sum].row(row) + column;
  }

  const PaddedPlane &guide_, &noisy_;
  float inverse_narrow_, inverse_wide_;
};

}  // namespace

GuidedMeans guided_means(const PaddedPlane& guide, const PaddedPlane& noisy, float tau_narrow, float tau_wide) {
  const GuidedWork work(guide, noisy, tau_narrow, tau_wide);
  std::vector<GuidedBand> bands(static_cast<std::size_t>((guide.height + kBand - 1) / kBand));
  parallel_blocks(static_cast<std::int64_t>(bands.size()),
                  [&](std::int64_t band) { bands[static_cast<std::size_t>(band)] = work.work(band); });
  GuidedMeans result{noisy, noisy};
  PaddedPlane weight_narrow(noisy.height, noisy.width), weight_wide(noisy.height, noisy.width);
  const std::array<PaddedPlane*, 4> totals = {&result.narrow, &weight_narrow, &result.wide, &weight_wide};
  for (const GuidedBand& band : bands)
    for (std::size_t i = 0; i < totals.size(); ++i)
      for (std::int64_t r = 0; r < band.reached; ++r)
        for (std::int64_t x = 0; x < noisy.width; ++x) totals[i]->row(band.first + r)[x] += band.sums[i].row(r)[x];
  for (std::int64_t r = 0; r < noisy.height; ++r)
    for (std::int64_t x = 0; x < noisy.width; ++x) {
      result.narrow.row(r)[x] /= 1 + weight_narrow.row(r)[x];
      result.wide.row(r)[x] /= 1 + weight_wide.row(r)[x];
    }
  reflect_margin(result.narrow);
  reflect_margin(result.wide);
  return result;
}

}  // namespace noiseutils

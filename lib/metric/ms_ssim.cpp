#include <cmath>

#include "metric/metric.hpp"
#include "metric/planes.hpp"
#include "metric/ssim_windows.hpp"

namespace noiseutils {
namespace {

constexpr std::array<double, 5> kExponents = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
// Four halvings, a ragged last row or column kept, must leave one window.
constexpr std::int64_t kSmallest = (kSsimTaps - 1) * 16 + 1;

struct Image {
  std::vector<double> values;
  std::int64_t height, width;
};

/// Half the size: means of 2 x 2 pixels; of an odd size the last row or column stands twice.
Image halved(const Image& image) {
  Image half{{}, (image.height + 1) / 2, (image.width + 1) / 2};
  half.values.reserve(static_cast<std::size_t>(half.height * half.width));
  for (std::int64_t y = 0; y < half.height; ++y) {
    const double* upper = image.values.data() + 2 * y * image.width;
    const double* lower = 2 * y + 1 < image.height ? upper + image.width : upper;
    for (std::int64_t x = 0; x < half.width; ++x) {
      const std::int64_t left = 2 * x, right = std::min(2 * x + 1, image.width - 1);
      half.values.push_back((upper[left] + upper[right] + lower[left] + lower[right]) / 4);
    }
  }
  return half;
}

/// Multi-scale structural similarity: the mean over planes (channels, frames) of
///   prod_{j=1}^4 cs_j^{b_j} ssim_5^{b_5},   b = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333
/// cs_j: mean over windows of (2 sxy + C2) / (sx^2 + sy^2 + C2) at scale j, halved j - 1 times; ssim_5: that of ssim,
/// with its luminance term, at the coarsest. A negative mean, which has no real power, counts as 0. Source: Wang,
/// Simoncelli, Bovik, Asilomar Conference on Signals, Systems and Computers, 2003, eq. (7).
class MultiScaleSimilarity : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const Planes planes = image_planes_of(sample, "ms-ssim", kSmallest);
    const Tensor data = sample.data().converted(DType::F64), clean = sample.clean().converted(DType::F64);
    const std::int64_t size = planes.height * planes.width;
    const auto image = [&](const Tensor& tensor, std::int64_t plane) {
      const double* begin = tensor.values<double>().data() + plane * size;
      return Image{{begin, begin + size}, planes.height, planes.width};
    };
    for (std::int64_t plane = 0; plane < planes.count; ++plane)
      sums_[0] += index(image(data, plane), image(clean, plane), sample.range());
    sums_[1] += static_cast<double>(planes.count);
  }
  std::vector<NamedValue> finish() const override { return {{"ms-ssim", sums_[0] / sums_[1]}}; }

 private:
  static double index(Image x, Image y, double range) {
    const double c1 = std::pow(kSsimK1 * range, 2), c2 = std::pow(kSsimK2 * range, 2);
    // With this for C1 the luminance term is 1 to the last bit: the kernel of ssim then gives cs.
    const double no_luminance = 1e40 * range * range;
    double product = 1;
    for (std::size_t scale = 0; scale < kExponents.size(); ++scale) {
      if (scale > 0) {
        x = halved(x);
        y = halved(y);
      }
      const bool coarsest = scale + 1 == kExponents.size();
      const double sum =
          ssim_window_sum(x.values.data(), y.values.data(), x.height, x.width, coarsest ? c1 : no_luminance, c2);
      const double mean = sum / static_cast<double>((x.height - kSsimTaps + 1) * (x.width - kSsimTaps + 1));
      product *= std::pow(mean < 0 ? 0 : mean, kExponents[scale]);
    }
    return product;
  }
};

}  // namespace

MetricEntry ms_ssim_metric() {
  return {.name = "ms-ssim",
          .summary = "structural similarity over five scales (Wang 2003)",
          .make = make_metric<MultiScaleSimilarity>,
          .needs_clean = true,
          .higher_is_better = true};
}

}  // namespace noiseutils

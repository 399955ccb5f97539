#include "metric/metric.hpp"
#include "metric/planes.hpp"
#include "metric/ssim_windows.hpp"

namespace noiseutils {
namespace {

template <class Real>
double sum_over_planes(const MetricSample& sample, const Planes& planes) {
  const Real *x = sample.data().values<Real>().data(), *y = sample.clean().values<Real>().data();
  const double c1 = kSsimK1 * sample.range(), c2 = kSsimK2 * sample.range();
  double total = 0;
  for (std::int64_t plane = 0; plane < planes.count; ++plane) {
    const std::int64_t begin = plane * planes.height * planes.width;
    total += ssim_window_sum(x + begin, y + begin, planes.height, planes.width, c1 * c1, c2 * c2);
  }
  return total;
}

/// Structural similarity: the mean over all windows inside the image, and over its channels (and frames), of
///   (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)),   C1 = (0.01 R)^2, C2 = (0.03 R)^2
/// (ssim_windows.hpp).
class StructuralSimilarity : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const Planes planes = image_planes_of(sample, "ssim", kSsimTaps);
    sums_[0] += sample.data().dtype() == DType::F32 ? sum_over_planes<float>(sample, planes)
                                                    : sum_over_planes<double>(sample, planes);
    sums_[1] += static_cast<double>(planes.count * (planes.height - kSsimTaps + 1) * (planes.width - kSsimTaps + 1));
  }
  std::vector<NamedValue> finish() const override { return {{"ssim", sums_[0] / sums_[1]}}; }
};

}  // namespace

MetricEntry ssim_metric() {
  return {.name = "ssim",
          .summary = "structural similarity (Wang 2004, 11 x 11 Gaussian window)",
          .make = make_metric<StructuralSimilarity>,
          .needs_clean = true,
          .higher_is_better = true};
}

}  // namespace noiseutils

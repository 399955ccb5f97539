#include "metric/block_sums.hpp"
#include "metric/metric.hpp"
#include "metric/planes.hpp"

namespace noiseutils {
namespace {

/// The mean squared error of gradients: the mean of (e_p - e_q)^2, e = data - clean, over all pairs p, q of neighbours
/// along H and along W inside the image (forward differences, none across the border); of samples that are no images,
/// along the last axis. White errors of variance v give 2 v; a constant error gives 0.
class GradientError : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const Planes planes = planes_of(sample);
    const std::int64_t width = planes.width, rows = planes.count * planes.height;
    const std::int64_t pairs = rows * (width - 1) + planes.count * (planes.height - 1) * width;
    if (pairs == 0) throw DataError("gradient needs neighbours, data has shape " + shape_text(sample.data().shape()));
    const std::vector<double> error = error_of(sample);
    const auto total = sums_over_blocks<1>(
        rows,
        [&](std::int64_t first, std::int64_t last, auto& sums) {
          for (std::int64_t row = first; row < last; ++row) {
            const double* e = error.data() + row * width;
            for (std::int64_t i = 0; i + 1 < width; ++i) sums[0] += (e[i + 1] - e[i]) * (e[i + 1] - e[i]);
            if ((row + 1) % planes.height == 0) continue;
            for (std::int64_t i = 0; i < width; ++i) sums[0] += (e[i + width] - e[i]) * (e[i + width] - e[i]);
          }
        },
        16);
    sums_[0] += total[0];
    sums_[1] += static_cast<double>(pairs);
  }
  std::vector<NamedValue> finish() const override { return {{"gradient", sums_[0] / sums_[1]}}; }
};

}  // namespace

MetricEntry gradient_metric() {
  return {.name = "gradient",
          .summary = "mean squared error of the differences of neighbours",
          .make = make_metric<GradientError>,
          .needs_clean = true};
}

}  // namespace noiseutils

#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// 10 log10(R^2 / mse), R the range; over all channels. Samples of different ranges pool as mse / R^2.
class PeakSignalToNoise : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    sums_[0] += sample.squared_error() / (sample.range() * sample.range());
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"psnr", decibels(sums_[1] / sums_[0])}}; }
};

}  // namespace

MetricEntry psnr_metric() {
  return {"psnr",
          "peak signal-to-noise ratio in dB",
          true,
          0,
          {threshold_option("psnr")},
          make_metric<PeakSignalToNoise>,
          false,
          false,
          true};
}

}  // namespace noiseutils

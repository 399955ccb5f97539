#include <cmath>

#include "base/number.hpp"
#include "metric/metric.hpp"
#include "metric/sample_noise.hpp"

namespace noiseutils {
namespace {

/// 10 log10(R^2 / mse), R the range; over all channels. Samples of different ranges pool as mse / R^2.
class PeakSignalToNoise : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    if (sample.squared_error() > sample.range() * sample.range() * sample.elements()) require_range(sample);
    sums_[0] += sample.squared_error() / (sample.range() * sample.range());
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"psnr", decibels(sums_[1] / sums_[0])}}; }

 private:
  /// Values of a range R have a standard deviation of at most R / 2. Looked at only below 0 dB, where a range that is
  /// right is rare: noise alone must be as large as the range.
  static void require_range(const MetricSample& sample) {
    const std::vector<double> clean = doubles(sample.clean());
    double mean = 0, variance = 0;
    for (const double value : clean) mean += value / sample.elements();
    for (const double value : clean) variance += (value - mean) * (value - mean) / sample.elements();
    if (std::sqrt(variance) > sample.range() / 2)
      throw DataError("the range " + format_number(sample.range()) +
                      " contradicts the clean sample, whose standard deviation is " +
                      format_number(std::sqrt(variance)) + ": give the right --range");
  }
};

}  // namespace

MetricEntry psnr_metric() {
  return {.name = "psnr",
          .summary = "peak signal-to-noise ratio in dB",
          .options = {threshold_option("psnr")},
          .make = make_metric<PeakSignalToNoise>,
          .needs_clean = true,
          .higher_is_better = true,
          .squared_error = true};
}

}  // namespace noiseutils

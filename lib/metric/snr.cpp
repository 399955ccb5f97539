#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// 10 log10(sum_i clean_i^2 / sum_i (data_i - clean_i)^2): powers about zero, not about the mean.
class SignalToNoise : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const double power = sum_of_squares(sample.clean());
    if (power == 0) throw DataError("the clean sample is zero everywhere: it has no signal");
    sums_[0] += power;
    sums_[1] += sample.squared_error();
  }
  std::vector<NamedValue> finish() const override { return {{"snr", decibels(sums_[0] / sums_[1])}}; }
};

}  // namespace

MetricEntry snr_metric() {
  return {.name = "snr",
          .summary = "signal-to-noise ratio in dB",
          .options = {threshold_option("snr")},
          .make = make_metric<SignalToNoise>,
          .needs_clean = true,
          .higher_is_better = true};
}

}  // namespace noiseutils

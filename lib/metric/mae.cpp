#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// sum_i |data_i - clean_i| / n
class MeanAbsoluteError : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    sums_[0] += sum_of_absolute_differences(sample.data(), sample.clean());
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"mae", sums_[0] / sums_[1]}}; }
};

}  // namespace

MetricEntry mae_metric() {
  return {.name = "mae", .summary = "mean absolute error", .make = make_metric<MeanAbsoluteError>, .needs_clean = true};
}

}  // namespace noiseutils

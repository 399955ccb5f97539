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

MetricEntry mae_metric() { return {"mae", "mean absolute error", true, 0, {}, make_metric<MeanAbsoluteError>}; }

}  // namespace noiseutils

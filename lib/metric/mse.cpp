#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// sum_i (data_i - clean_i)^2 / n
class MeanSquaredError : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    sums_[0] += sample.squared_error();
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"mse", sums_[0] / sums_[1]}}; }
};

}  // namespace

MetricEntry mse_metric() {
  return {.name = "mse",
          .summary = "mean squared error",
          .make = make_metric<MeanSquaredError>,
          .needs_clean = true,
          .squared_error = true};
}

}  // namespace noiseutils

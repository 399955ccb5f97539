#include <cmath>

#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// sqrt(sum_i (data_i - clean_i)^2 / n)
class RootMeanSquaredError : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    sums_[0] += sample.squared_error();
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"rmse", std::sqrt(sums_[0] / sums_[1])}}; }
};

}  // namespace

MetricEntry rmse_metric() {
  return {.name = "rmse",
          .summary = "root of the mean squared error",
          .make = make_metric<RootMeanSquaredError>,
          .needs_clean = true};
}

}  // namespace noiseutils

#include <cmath>

#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// sqrt(sum_i (data_i - clean_i)^2 / sum_i clean_i^2)
class NormalisedError : public AdditiveMetric<2> {
 public:
  void add(const MetricSample& sample) override {
    const double power = sum_of_squares(sample.clean());
    if (power == 0) throw DataError("the clean sample is zero everywhere: there is nothing to divide by");
    sums_[0] += sample.squared_error();
    sums_[1] += power;
  }
  std::vector<NamedValue> finish() const override { return {{"nrmse", std::sqrt(sums_[0] / sums_[1])}}; }
};

}  // namespace

MetricEntry nrmse_metric() {
  return {.name = "nrmse",
          .summary = "root mean squared error over the root mean square of the clean sample",
          .make = make_metric<NormalisedError>,
          .needs_clean = true};
}

}  // namespace noiseutils

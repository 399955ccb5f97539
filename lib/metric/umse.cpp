#include "metric/interval.hpp"
#include "metric/unsupervised.hpp"

namespace noiseutils {
namespace {

class UnsupervisedMse : public UnsupervisedMetric {
 public:
  explicit UnsupervisedMse(const OptionValues& options) : UnsupervisedMetric(options) {}
  void add(const MetricSample& sample) override { add_terms(sample, 1); }
  std::vector<NamedValue> finish() const override {
    const Estimate mse = estimate();
    return {{"umse", mse.value}, {"umse_low", mse.low}, {"umse_high", mse.high}, {"umse_stderr", mse.standard_error}};
  }
};

}  // namespace

MetricEntry umse_metric() {
  return {"umse",
          "mean squared error from three noisy references, without a clean one",
          false,
          3,
          {confidence_option()},
          [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedMse>(options);
          }};
}

}  // namespace noiseutils

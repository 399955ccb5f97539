#include "metric/unsupervised.hpp"

namespace noiseutils {

MetricEntry umse_metric() {
  return {"umse",
          "mean squared error from three noisy references, without a clean one",
          false,
          3,
          interval_options(),
          [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedMse>(options, UnsupervisedForm::three, "umse");
          },
          false,
          true};
}

}  // namespace noiseutils

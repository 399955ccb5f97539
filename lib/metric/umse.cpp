#include "metric/unsupervised.hpp"

namespace noiseutils {

MetricEntry umse_metric() {
  return {.name = "umse",
          .summary = "mean squared error from three noisy references, without a clean one",
          .options = interval_options(),
          .make = [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedMse>(options, UnsupervisedForm::three, "umse");
          },
          .needs_references = 3,
          .more_references = true,
          .squared_error = true};
}

}  // namespace noiseutils

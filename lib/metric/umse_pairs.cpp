#include "metric/unsupervised.hpp"

namespace noiseutils {

MetricEntry umse_pairs_metric() {
  return {.name = "umse-pairs",
          .summary = "mean squared error from pairs of two or more noisy references",
          .options = interval_options(),
          .make = [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedMse>(options, UnsupervisedForm::pairs, "umse-pairs");
          },
          .needs_references = 2,
          .more_references = true,
          .squared_error = true};
}

}  // namespace noiseutils

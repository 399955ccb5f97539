#include "metric/unsupervised.hpp"

namespace noiseutils {

MetricEntry umse_pairs_metric() {
  return {"umse-pairs",
          "mean squared error from pairs of two or more noisy references",
          false,
          2,
          interval_options(),
          [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedMse>(options, UnsupervisedForm::pairs, "umse-pairs");
          },
          false,
          true};
}

}  // namespace noiseutils

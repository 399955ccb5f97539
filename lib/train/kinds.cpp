#include "train/statistics.hpp"

namespace noiseutils {

const std::vector<TrainKind>& train_kinds() {
  static const std::vector<TrainKind> kinds = {gaussian_training(), stationary_training(), kronecker_training(),
                                               mixture_training(),  empirical_training(),  regression_training(),
                                               features_training(), cascade_training(),    fusion_training(),
                                               distill_training(),  sgd_training()};
  return kinds;
}

OptionSpec report_option() {
  return file("report", "FILE", "write the figures to FILE; default: standard output, where -o names a file")
      .not_in_history();
}

}  // namespace noiseutils

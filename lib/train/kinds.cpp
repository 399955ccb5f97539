#include "train/statistics.hpp"

namespace noiseutils {

const std::vector<TrainKind>& train_kinds() {
  static const std::vector<TrainKind> kinds = {gaussian_training(), stationary_training(), regression_training(),
                                               empirical_training(), features_training()};
  return kinds;
}

}  // namespace noiseutils

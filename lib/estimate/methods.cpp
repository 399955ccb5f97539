#include "estimate/method.hpp"

namespace noiseutils {

// Each is defined in the file of its name.
EstimateMethod dct_method();
EstimateMethod immerkaer_method();
EstimateMethod mad_method();
EstimateMethod pca_method();
EstimateMethod level_sets_method();
EstimateMethod repeats_method();
EstimateMethod mp_pca_method();

const std::vector<EstimateMethod>& estimate_methods() {
  static const std::vector<EstimateMethod> all = {
      dct_method(),        immerkaer_method(), mad_method(),    pca_method(),
      level_sets_method(), repeats_method(),   mp_pca_method(),
  };
  return all;
}

}  // namespace noiseutils

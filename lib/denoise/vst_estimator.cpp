#include "denoise/estimator.hpp"

namespace noiseutils {

Estimator vst_estimator() {
  return {"vst",
          "a transform that makes the variance the same everywhere, the posterior mean, the exact unbiased inverse",
          [](std::shared_ptr<const Model> model) { return stabilised_denoiser(model_denoiser(std::move(model))); }};
}

}  // namespace noiseutils

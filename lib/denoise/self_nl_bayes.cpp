#include <nlohmann/json.hpp>

#include "denoise/nl_bayes.hpp"
#include "denoise/self_frames.hpp"
#include "denoise/self_methods.hpp"

namespace noiseutils {

SelfMethod nl_bayes_method() {
  return {"nlbayes", "Gaussians of similar patches in two steps (Lebrun, Buades, Morel), for comparison",
          [](const OptionValues&) -> std::unique_ptr<SampleDenoiser> {
            return self_denoiser(
                {.estimate = [](const std::vector<FloatPlane>& noisy, std::int64_t) { return nl_bayes(noisy); },
                 .least_side = kNlBayesLeastSide});
          },
          [](const OptionValues&) {
            return nlohmann::json{{"kind", "nlbayes"}, {"patch", 5}, {"samples", nlohmann::json::array()}}.dump();
          }};
}

}  // namespace noiseutils

#include "sample/metadata.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "denoise/apply.hpp"
#include "sample/sampling_map.hpp"

namespace noiseutils {

Metadata sample_metadata(const ModelInfo& model, const Sampler& sampler, const Schedule& schedule, std::uint64_t seed) {
  nlohmann::json told{{"name", sampler.name}, {"nfe", denoiser_calls(sampler, schedule)}, {"seed", seed}};
  if (sampler.takes_steps()) {
    told["schedule"] = schedule.name;
    told["steps"] = schedule.steps();
    for (const auto& [name, value] : schedule.parameters) {
      std::string key = name;  // as keys of results everywhere: sigma_max
      std::replace(key.begin(), key.end(), '-', '_');
      told[key] = value;
    }
  }
  return {{"axes", model.axes}, {"model", model_metadata(model)}, {"sampler", told.dump()}};
}

}  // namespace noiseutils

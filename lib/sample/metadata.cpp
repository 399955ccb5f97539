#include "sample/metadata.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sample/sampling_map.hpp"

namespace noiseutils {

Metadata sample_metadata(const ModelInfo& model, const Sampler& sampler, const Schedule& schedule, std::uint64_t seed) {
  nlohmann::json told{{"name", sampler.name}, {"nfe", denoiser_calls(sampler, schedule)}, {"seed", seed}};
  if (sampler.takes_steps()) {
    told["schedule"] = schedule.name;
    told["steps"] = schedule.steps();
    if (!schedule.spacing.empty()) told["spacing"] = schedule.spacing;
    for (const auto& [name, value] : schedule.parameters) {
      std::string key = name;  // as keys of results everywhere: sigma_max
      std::replace(key.begin(), key.end(), '-', '_');
      told[key] = value;
    }
  }
  // Without the content hashes of the training samples, which denoised samples carry so that nobody judges them by
  // their own references: a new sample has none, and 4096 hashes in each of many small records cost more than all its
  // steps.
  const nlohmann::json made_by{{"kind", model.kind}, {"patch", model.patch}, {"count", model.count}};
  return {{"axes", model.axes}, {"model", made_by.dump()}, {"sampler", told.dump()}};
}

}  // namespace noiseutils

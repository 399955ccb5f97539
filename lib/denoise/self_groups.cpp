#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/group_denoiser.hpp"
#include "denoise/self_frames.hpp"
#include "denoise/self_methods.hpp"

namespace noiseutils {

SelfMethod groups_method() {
  return {
      "groups",
      "local Gaussian groups of patches that look alike, with a progressive guide",
      [](const OptionValues& options) -> std::unique_ptr<SampleDenoiser> {
        const GroupPreset& preset = require_entry<UsageError>(group_presets(), options.text("preset"), "preset");
        return self_denoiser(
            {.estimate = [&preset](const std::vector<FloatPlane>& noisy,
                                   std::int64_t frames) { return denoise_by_groups(noisy, preset, frames); },
             .least_side = kLeastSide,
             .stacks = true,
             .pool = options.flag("pool")});
      },
      [](const OptionValues& options) {
        return nlohmann::json{
            {"kind", "groups"}, {"patch", 6}, {"preset", options.text("preset")}, {"samples", nlohmann::json::array()}}
            .dump();
      },
      true,
      true};
}

}  // namespace noiseutils

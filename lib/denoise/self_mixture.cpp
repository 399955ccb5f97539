#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/mixture_denoiser.hpp"
#include "denoise/self_frames.hpp"
#include "denoise/self_methods.hpp"
#include "train/trainer.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPatch = 8;

/// How much work a preset means.
struct MixturePreset {
  const char* name;
  const char *components, *vectors, *iterations;  ///< of learning
  MixtureSteps steps;
};

const std::vector<MixturePreset>& mixture_presets() {
  static const std::vector<MixturePreset> presets = {
      {"fast", "20", "10000", "8", {false, 2, false, 1}},
      {"middle", "30", "20000", "10", {false, 2, false, 2}},
      {"best", "40", "40000", "15", {true, 2, false, 2}},
      {"max", "60", "100000", "25", {true, 1, false, 2}},
  };
  return presets;
}

/// Learns a mixture from noisy patches, sigma = 1, by expectation-maximisation under the likelihood of the noise, each
/// component of the rank that stands out of it (HDMI: Houdard, Bouveyron, Delon 2018).
std::unique_ptr<Model> learned(const std::vector<FloatPlane>& noisy, const MixturePreset& preset) {
  const TrainKind& kind = require_entry<InternalError>(train_kinds(), "mixture", "way of learning");
  OptionValues options;
  for (const OptionSpec& spec : kind.options) {
    if (spec.name == "components") options.set(spec, {preset.components});
    if (spec.name == "size-sample") options.set(spec, {preset.vectors});
    if (spec.name == "iterations") options.set(spec, {preset.iterations});
    if (spec.name == "rank") options.set(spec, {"auto"});
    if (spec.name == "upright") options.set(spec, {""});
  }
  std::vector<float> values;
  for (const FloatPlane& plane : noisy) values.insert(values.end(), plane.values.begin(), plane.values.end());
  Record record;
  record.tensors["data"] = Tensor::of({std::ssize(noisy), noisy[0].height, noisy[0].width}, values);
  record.metadata["axes"] = "CHW";
  Trainer trainer(kind, {kPatch, 1.0, options});
  trainer.add(record, 0);
  return trainer.finish();
}

const MixturePreset& asked_preset(const OptionValues& options) {
  return require_entry<UsageError>(mixture_presets(), options.text("preset"), "preset");
}

}  // namespace

SelfMethod mixture_method() {
  return {"mixture", "a mixture of Gaussians of the image's patches, learned under the noise",
          [](const OptionValues& options) -> std::unique_ptr<SampleDenoiser> {
            const MixturePreset& preset = asked_preset(options);
            if (options.flag("pool")) throw UsageError("--method mixture takes no --pool");
            return self_denoiser({.estimate =
                                      [&preset](const std::vector<FloatPlane>& noisy, std::int64_t) {
                                        return denoise_by_mixture(*learned(noisy, preset)->mixture(), noisy, 1,
                                                                  preset.steps);
                                      },
                                  .least_side = 2 * kPatch});
          },
          [](const OptionValues& options) {
            return nlohmann::json{{"kind", "mixture"},
                                  {"patch", kPatch},
                                  {"preset", asked_preset(options).name},
                                  {"samples", nlohmann::json::array()}}
                .dump();
          },
          true};
}

}  // namespace noiseutils

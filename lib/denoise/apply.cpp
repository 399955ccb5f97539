#include "denoise/apply.hpp"

#include <nlohmann/json.hpp>

#include "noise/clean_units.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {

std::string model_metadata(const ModelInfo& info) {
  return nlohmann::json{{"kind", info.kind}, {"patch", info.patch}, {"samples", info.samples}}.dump();
}

void apply_denoiser(Record& record, LazyTensors& lazy, SampleDenoiser& denoiser, const DenoiseRequest& request) {
  if (!request.sigma) to_clean_units(record);
  const Tensor noisy = record.require("data");
  denoiser.check(sample_axes(record), sample_shape(record));
  const std::vector<double> sigmas = noise_levels(record, request.sigma);

  record.metadata["axes"] = axes_of(record);  // lazy data has no tensor to tell them from
  record.metadata["noise.removed"] = known_noise(record, request.sigma);
  record.metadata.erase("noise");
  record.metadata["model"] = request.model;
  if (request.keep_noisy) record.tensors.insert_or_assign("noisy", noisy);
  record.tensors.erase("data");
  lazy["data"] = {noisy.dtype() == DType::F64 ? DType::F64 : DType::F32, noisy.shape(),
                  [noisy, sigmas, &denoiser](ByteSink& sink) { denoiser.produce(noisy, sigmas, sink); }};
}

}  // namespace noiseutils

#pragma once

#include "model/model.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// The metadata of a sample beside its place in the stream: `axes`; `model`, its kind, patch and count; `sampler`,
/// a JSON object with the sampler's name, its calls of the denoiser (nfe), the seed and, where it takes steps, the
/// schedule.
Metadata sample_metadata(const ModelInfo& model, const Sampler& sampler, const Schedule& schedule, std::uint64_t seed);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <memory>

#include "model/model.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

class LinearModel;

/// How a sampler's steps are taken. Tests compare the two; results agree within rounding.
enum class Stepping {
  collapsed,  ///< all steps of a linear model at once, where the sampler allows it
  one_by_one,
};

/// Standard normals n -> samples. A stepping sampler starts at x = s_0 n, the law of the forward process at s_0 but for
/// the data's own part in it: a relative error of about (covariance of the data) / s_0^2. `model` must outlive the map.
/// Throws UsageError if s_0 is infinite.
std::unique_ptr<VectorMap> sampling_map(const Model& model, const Sampler& sampler, const Schedule& schedule,
                                        Stepping stepping = Stepping::collapsed);

/// Calls of the denoiser for one sample.
std::int64_t denoiser_calls(const Sampler& sampler, const Schedule& schedule);

}  // namespace noiseutils

#pragma once

#include "sample/codebook.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// The companion that holds the codes of a sample: the fields of the first step with a noise, then those of the next.
inline constexpr const char* kCodes = "latent.codes";

/// What --codebook, --codes and --weight-bits say.
CodeLayout code_layout(const OptionValues& options);

}  // namespace noiseutils

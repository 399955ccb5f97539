#pragma once

#include <vector>

#include "cli/program.hpp"

namespace noiseutils {

/// --log-likelihood --denoiser --timeout --sigma-max --tolerance --probes --seed --format: how log p(y) is found. The
/// model's own option is not among them.
std::vector<OptionSpec> likelihood_options();

/// log p(y), one row a sample: exactly, along the flow, or both. Returns 0.
int write_log_densities(const Invocation& call);

}  // namespace noiseutils

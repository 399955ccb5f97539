#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "sample/request.hpp"
#include "sample/start.hpp"

namespace noiseutils {

/// What of a request is done with samples and states that exist: their way to noise and back, their codes, and what
/// lies between two of them. Options: --invert --invertible --encode --decode --interpolate --frames --blend...
std::vector<OptionSpec> editing_options();

/// What is asked for. Throws UsageError where options or files do not fit each other.
SampleTask sample_task(const OptionValues& options, const std::vector<std::string>& files);

/// The sampler asked for. By default: of an inversion ddim, of states that an inversion made the one that made them.
std::string sampler_in_task(const OptionValues& options, SampleTask task, const StartStates* start);

/// Makes the plan that of the task, with starts from `start`. Throws DataError where these belong to another run.
void use_start_in_task(SampleRequest& request, std::shared_ptr<const StartStates> start, const OptionValues& options);

/// Starts that lie between the latents of the samples of two files. Throws as they do not fit each other.
void use_ends(SampleRequest& request, const std::vector<std::string>& files, const OptionValues& options);

}  // namespace noiseutils

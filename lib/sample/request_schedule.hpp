#pragma once

#include "base/option.hpp"
#include "sample/sample_maker.hpp"

namespace noiseutils {

/// The schedule that the options of `sample` ask for, with this number of steps; with --from-sigma from there on.
Schedule requested_schedule(const OptionValues& options, std::int64_t steps);

/// That of the most steps that call the denoiser at most `calls` times (--nfe). UsageError where there is none, or
/// where the sampler's calls are not known beforehand.
Schedule schedule_of_calls(const OptionValues& options, SamplingPlan plan, std::int64_t calls);

/// Throws UsageError where options are typed that only samplers along a schedule heed.
void refuse_schedule(const OptionValues& options, const Sampler& sampler);

}  // namespace noiseutils

#pragma once

#include "cli/program.hpp"
#include "metric/sample_set.hpp"
#include "train/held_samples.hpp"

namespace noiseutils {

/// All samples of the call's FILEs (--use names the tensor), held in memory as rows of doubles. DataError where they
/// are noisy, are more than --max-size (max_size_option()), or fewer than `least`.
SampleRows held_samples(const Invocation& call, std::int64_t least);

}  // namespace noiseutils

#pragma once

#include <cstdint>

#include "cli/program.hpp"

namespace noiseutils {

/// train-linear gaussian --advise: a row for each shrinker and noise level, and for each sampler and number of steps,
/// the best marked. `seed`: of the folds. Returns 0.
int write_advice(const Invocation& call, std::uint64_t seed);

}  // namespace noiseutils

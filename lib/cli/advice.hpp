#pragma once

#include "cli/program.hpp"
#include "linalg/deterministic_equivalent.hpp"

namespace noiseutils {

/// train-linear gaussian --advise: a row for each shrinker and noise level, and for each sampler and number of steps,
/// the best marked. Returns 0.
int write_advice(const Invocation& call);

/// .1, .3 and 1 of the root mean variance of a law.
std::vector<double> default_levels(const EquivalentSpectrum& spectrum);

}  // namespace noiseutils

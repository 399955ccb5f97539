#pragma once

#include <vector>

#include "cli/program.hpp"
#include "score/apply.hpp"
#include "score/spectrum.hpp"

namespace noiseutils {

/// --model --denoiser --timeout --epsilon: whose Jacobian, and how differences are taken.
std::vector<OptionSpec> jacobian_options();
/// --top --iterations --tolerance --seed: of what looks for directions.
std::vector<OptionSpec> search_options();

/// What they say. UsageError unless there is a model or a denoiser, and not both.
JacobianOfDenoiser asked_jacobian(const Invocation& call);
DirectionSearch asked_search(const Invocation& call);
/// UsageError if --format was given, of rows, and --rows was not.
void refuse_format(const Invocation& call);
/// --alpha --sigma.
GivenLevel asked_level(const Invocation& call);

}  // namespace noiseutils

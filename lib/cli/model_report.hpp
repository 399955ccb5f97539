#pragma once

#include "cli/program.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Prints the report that a model file carries (metadata model.report), a row each, as --report FILE says; without it
/// to standard output, unless the model goes there. Nothing where there is none, and for states.
void write_model_report(const Invocation& call, const Record& model);

}  // namespace noiseutils

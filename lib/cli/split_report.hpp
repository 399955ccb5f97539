#pragma once

#include "cli/program.hpp"

namespace noiseutils {

/// --split-report, --advise and what goes with them, of train-linear gaussian.
std::vector<OptionSpec> data_report_options();

/// Whether a command line asks for a report on data instead of a model of them.
bool asks_data_report(const Invocation& call);
/// Whether arguments not parsed yet do: the kind is then plain, and need not be named.
bool asks_data_report(int argc, const char* const* argv);
/// Prints it. Returns 0.
int write_data_report(const Invocation& call);

}  // namespace noiseutils

#pragma once

#include "cli/program.hpp"

namespace noiseutils {

/// --split-report, --advise and what goes with them, of train-linear gaussian.
std::vector<OptionSpec> data_report_options();
/// --seed of a report, default 0: of kind gaussian it is also that of a sketch, which has no default.
std::uint64_t report_seed(const OptionValues& options);

/// Whether a command line asks for a report on data instead of a model of them.
bool asks_data_report(const Invocation& call);
/// Whether arguments not parsed yet do: the kind is then plain, and need not be named.
bool asks_data_report(int argc, const char* const* argv);
/// Prints it. Returns 0.
int write_data_report(const Invocation& call);

/// Numbers above 0, "0.1,25/255". UsageError else.
std::vector<double> positive_numbers(const std::string& option, const std::string& text);

}  // namespace noiseutils

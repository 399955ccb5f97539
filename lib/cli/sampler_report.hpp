#pragma once

#include <vector>

#include "cli/program.hpp"

namespace noiseutils {

/// --report --no-timing --format.
std::vector<OptionSpec> report_options();

/// sample --report: a row for each sampler and number of steps. Returns 0.
int write_sampler_report(const Invocation& call);

/// sample --list: a row for each sampler. Returns 0.
int write_sampler_list(const Invocation& call);

}  // namespace noiseutils

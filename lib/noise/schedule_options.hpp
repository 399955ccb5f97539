#pragma once

#include "noise/schedule.hpp"

namespace noiseutils {

/// The options of all schedules, each once. Where its default differs between schedules it has none, and its help
/// tells them all.
std::vector<OptionSpec> schedule_options();

/// The numbers typed for a schedule. Throws UsageError if an option was typed that another schedule has, not this one.
ScheduleParameters schedule_parameters(const ScheduleFamily& family, const OptionValues& options);

}  // namespace noiseutils

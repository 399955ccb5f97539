#pragma once

#include "noise/schedule.hpp"

namespace noiseutils {

/// The options of all schedules, each once. Where its default differs between schedules it has none, and its help
/// tells them all.
std::vector<OptionSpec> schedule_options();

/// The numbers typed for a schedule. Throws UsageError if an option was typed that another schedule has, not this one;
/// --rho may be typed for the spacing karras instead, and is no parameter of the schedule then.
ScheduleParameters schedule_parameters(const ScheduleFamily& family, const OptionValues& options,
                                       Spacing spacing = Spacing::linspace);

}  // namespace noiseutils

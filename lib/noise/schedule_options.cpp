#include "noise/schedule_options.hpp"

#include "base/entry_options.hpp"

namespace noiseutils {

std::vector<OptionSpec> schedule_options() { return joined_entry_options(options_by_entry(schedule_families())); }

ScheduleParameters schedule_parameters(const ScheduleFamily& family, const OptionValues& options) {
  const OptionValues values = entry_values(options_by_entry(schedule_families()), family.name, "schedule", options);
  ScheduleParameters parameters;
  for (const OptionSpec& option : family.options) {
    if (!values.given(option.name)) continue;
    parameters[option.name] = option.type == OptionType::integer ? static_cast<double>(values.integer(option.name))
                                                                 : values.number(option.name);
  }
  return parameters;
}

}  // namespace noiseutils

#include "noise/schedule_options.hpp"

#include "base/entry_options.hpp"
#include "base/registry.hpp"

namespace noiseutils {

std::vector<OptionSpec> schedule_options() { return joined_entry_options(options_by_entry(schedule_families())); }

ScheduleParameters schedule_parameters(const ScheduleFamily& family, const OptionValues& options, Spacing spacing) {
  auto entries = options_by_entry(schedule_families());
  const bool has_rho = find_entry(family.options, "rho") != nullptr;
  if (spacing == Spacing::karras && !has_rho)
    for (auto& [name, own] : entries)
      if (name == family.name) own.push_back(*find_entry(karras_schedule().options, "rho"));
  const OptionValues values = entry_values(entries, family.name, "schedule", options);
  ScheduleParameters parameters;
  for (const OptionSpec& option : family.options) {
    if (!values.given(option.name)) continue;
    parameters[option.name] = option.type == OptionType::integer ? static_cast<double>(values.integer(option.name))
                                                                 : values.number(option.name);
  }
  return parameters;
}

}  // namespace noiseutils

#include "noise/schedule_options.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/registry.hpp"

namespace noiseutils {
namespace {

/// Families by default of one option, in the order of the families.
using Defaults = std::vector<std::pair<std::string, std::string>>;

Defaults defaults_of(const std::string& option) {
  Defaults defaults;
  for (const ScheduleFamily& family : schedule_families())
    if (const OptionSpec* spec = find_entry(family.options, option)) {
      const auto known = std::find_if(defaults.begin(), defaults.end(),
                                      [&](const auto& entry) { return entry.first == spec->fallback; });
      if (known == defaults.end())
        defaults.emplace_back(spec->fallback, family.name);
      else
        known->second += ", " + family.name;
    }
  return defaults;
}

}  // namespace

std::vector<OptionSpec> schedule_options() {
  std::vector<OptionSpec> all;
  for (const ScheduleFamily& family : schedule_families())
    for (const OptionSpec& option : family.options) {
      const auto known =
          std::find_if(all.begin(), all.end(), [&](const auto& spec) { return spec.name == option.name; });
      if (known == all.end()) {
        all.push_back(option);
        continue;
      }
      if (option.low < known->low) known->at_least(option.low).low_is_open = option.low_is_open;
      known->high = std::max(known->high, option.high);
    }
  for (OptionSpec& option : all) {
    const Defaults defaults = defaults_of(option.name);
    if (defaults.size() == 1) continue;
    option.fallback.clear();
    for (const auto& [value, names] : defaults)
      option.help += (&value == &defaults.front().first ? "; default " : ", ") + value + " (" + names + ")";
  }
  return all;
}

ScheduleParameters schedule_parameters(const ScheduleFamily& family, const OptionValues& options) {
  ScheduleParameters parameters;
  for (const OptionSpec& option : schedule_options()) {
    if (!options.given(option.name)) continue;
    if (find_entry(family.options, option.name) == nullptr)
      throw UsageError("--" + option.name + " is no option of schedule " + family.name);
    parameters[option.name] = option.type == OptionType::integer ? static_cast<double>(options.integer(option.name))
                                                                 : options.number(option.name);
  }
  return parameters;
}

}  // namespace noiseutils

#include "base/entry_options.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/registry.hpp"

namespace noiseutils {
namespace {

/// "; default 7 (a, b), 9 (c)" of one option.
void tell_defaults(OptionSpec& option, const std::vector<EntryOptions>& entries) {
  std::vector<std::pair<std::string, std::string>> defaults;  // a value and the names of its entries
  for (const auto& [name, options] : entries)
    if (const OptionSpec* spec = find_entry(options, option.name)) {
      const std::string& value = spec->fallback;
      const auto known =
          std::find_if(defaults.begin(), defaults.end(), [&](const auto& d) { return d.first == value; });
      if (known == defaults.end())
        defaults.emplace_back(value, name);
      else
        known->second += ", " + name;
    }
  if (defaults.size() == 1) return;
  option.fallback.clear();
  for (const auto& [value, names] : defaults)
    option.help += (&value == &defaults.front().first ? "; default " : ", ") + value + " (" + names + ")";
}

}  // namespace

std::vector<OptionSpec> joined_entry_options(const std::vector<EntryOptions>& entries) {
  std::vector<OptionSpec> all;
  for (const auto& [name, options] : entries)
    for (const OptionSpec& option : options) {
      const auto known =
          std::find_if(all.begin(), all.end(), [&](const auto& spec) { return spec.name == option.name; });
      if (known == all.end()) {
        all.push_back(option);
        continue;
      }
      if (option.low < known->low) known->at_least(option.low).low_is_open = option.low_is_open;
      known->high = std::max(known->high, option.high);
    }
  for (OptionSpec& option : all) tell_defaults(option, entries);
  return all;
}

OptionValues values_of_entry(const std::vector<EntryOptions>& entries, const std::string& entry,
                             const OptionValues& typed) {
  const auto own =
      std::find_if(entries.begin(), entries.end(), [&](const EntryOptions& other) { return other.first == entry; });
  if (own == entries.end()) throw InternalError("there is no entry " + entry);
  OptionValues values;
  for (const OptionSpec& option : own->second)
    values.set(option, typed.given(option.name) ? (option.type == OptionType::flag ? std::vector<std::string>{"true"}
                                                                                   : typed.list(option.name))
                                                : std::vector<std::string>{});
  return values;
}

void require_options_of(const std::vector<EntryOptions>& entries, const std::vector<std::string>& chosen,
                        const std::string& kind, const OptionValues& typed) {
  const auto is_chosen = [&](const std::string& name) {
    return std::find(chosen.begin(), chosen.end(), name) != chosen.end();
  };
  std::set<std::string> own;
  for (const auto& [name, options] : entries)
    for (const OptionSpec& option : options)
      if (is_chosen(name)) own.insert(option.name);
  std::string all;
  for (const std::string& name : chosen) all += (all.empty() ? "" : ",") + name;
  for (const auto& [name, options] : entries)
    for (const OptionSpec& option : options)
      if (typed.given(option.name) && !own.contains(option.name))
        throw UsageError("--" + option.name + " is no option of " + kind + " " + all);
}

OptionValues entry_values(const std::vector<EntryOptions>& entries, const std::string& entry, const std::string& kind,
                          const OptionValues& typed) {
  require_options_of(entries, {entry}, kind, typed);
  return values_of_entry(entries, entry, typed);
}

}  // namespace noiseutils

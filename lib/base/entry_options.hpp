#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// The options of one entry of a registry, by its name.
using EntryOptions = std::pair<std::string, std::vector<OptionSpec>>;

/// The options of all entries, each once, for a command line where one option chooses the entry. Where the default of
/// an option differs between entries it has none, and its help tells them all; its range is the widest.
std::vector<OptionSpec> joined_entry_options(const std::vector<EntryOptions>& entries);

/// The values of the options of `entry`: as typed, else by default. Throws UsageError if an option was typed that only
/// other entries have: "--rho is no option of schedule vp".
OptionValues entry_values(const std::vector<EntryOptions>& entries, const std::string& entry, const std::string& kind,
                          const OptionValues& typed);

/// The two halves of it, for a command line that chooses several entries: the values alone, and the refusal of options
/// that none of the chosen has.
OptionValues values_of_entry(const std::vector<EntryOptions>& entries, const std::string& entry,
                             const OptionValues& typed);
void require_options_of(const std::vector<EntryOptions>& entries, const std::vector<std::string>& chosen,
                        const std::string& kind, const OptionValues& typed);

template <class Entry>
std::vector<EntryOptions> options_by_entry(const std::vector<Entry>& entries) {
  std::vector<EntryOptions> all;
  for (const Entry& entry : entries) all.emplace_back(entry.name, entry.options);
  return all;
}

}  // namespace noiseutils

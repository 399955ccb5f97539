#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// A command line cut into options (as typed) and operands.
struct RawCommandLine {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> operands;            ///< before any "--": words, then files
  std::vector<std::string> files_after_dashes;  ///< after "--"
};

/// Throws UsageError for an unknown option, a missing value, a flag with a value.
RawCommandLine split_command_line(const std::vector<OptionSpec>& specs, const std::vector<std::string>& arguments);

}  // namespace noiseutils

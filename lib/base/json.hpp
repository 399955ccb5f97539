#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace noiseutils {

/// Metadata text as JSON; a discarded value (is_discarded()) where it is not JSON, or nests deeper than 64: what
/// recurses over values of strangers must not run out of stack.
nlohmann::json parse_json(const std::string& text);

/// Compact text with sorted keys. Bytes that are not UTF-8 (file names may have them) become U+FFFD.
std::string json_text(const nlohmann::json& value);

}  // namespace noiseutils

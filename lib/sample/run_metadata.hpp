#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sample/request.hpp"

namespace noiseutils {

/// The metadata `sampler` of a start as an object; empty where it has none.
nlohmann::json run_of(const Record& sample);
/// What options call a key of it: sigma_max is told of --sigma-max, name of --sampler.
std::string option_name(const std::string& key);
/// A value of it, as one would type it.
std::string text_of(const nlohmann::json& value);
/// "invert": as options call it, and as `sampler.task` tells it.
const char* task_name(SampleTask task);

}  // namespace noiseutils

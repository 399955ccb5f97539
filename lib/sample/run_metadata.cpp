#include "sample/run_metadata.hpp"

#include <algorithm>

namespace noiseutils {

nlohmann::json run_of(const Record& sample) {
  const auto told = nlohmann::json::parse(sample.meta("sampler"), nullptr, false);
  return told.is_object() ? told : nlohmann::json::object();
}

std::string option_name(const std::string& key) {
  if (key == "name") return "sampler";
  std::string name = key;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string text_of(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

const char* task_name(SampleTask task) {
  switch (task) {
    case SampleTask::invert:
      return "invert";
    case SampleTask::encode:
      return "encode";
    case SampleTask::decode:
      return "decode";
    case SampleTask::interpolate:
      return "interpolate";
    case SampleTask::draw:
      break;
  }
  return "draw";
}

}  // namespace noiseutils

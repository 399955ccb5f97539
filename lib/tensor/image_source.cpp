#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

#include "tensor/image_values.hpp"

namespace noiseutils {

double ImageSource::full_scale() const { return std::ldexp(1.0, is_signed ? depth - 1 : depth) - 1; }

std::string source_text(const ImageSource& source) {
  nlohmann::json json = {
      {"channels", source.channels}, {"depth", source.depth}, {"format", source.format}, {"space", source.space}};
  if (source.scale == std::floor(source.scale) && source.scale < 0x1p53) {
    json["scale"] = static_cast<std::int64_t>(source.scale);
  } else {
    json["scale"] = source.scale;
  }
  if (source.is_float) json["type"] = "float";
  if (source.is_signed) json["type"] = "signed";
  return json.dump();
}

std::optional<ImageSource> source_of(const Record& record) {
  const auto json = parse_json(record.meta("source"));
  if (!json.is_object() || !json.contains("depth") || !json["depth"].is_number_integer()) return std::nullopt;
  ImageSource source;
  source.depth = json["depth"].get<int>();
  if (source.depth < 1 || source.depth > 64) return std::nullopt;
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
  };
  source.format = text("format");
  source.space = text("space");
  source.is_float = text("type") == "float";
  source.is_signed = text("type") == "signed";
  source.scale = source.full_scale();
  if (json.contains("scale") && json["scale"].is_number()) source.scale = json["scale"].get<double>();
  if (!std::isfinite(source.scale) || source.scale <= 0) return std::nullopt;
  if (json.contains("channels") && json["channels"].is_number_integer())
    source.channels = json["channels"].get<std::int64_t>();
  return source;
}

}  // namespace noiseutils

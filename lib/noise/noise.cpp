#include "noise/noise.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"

namespace noiseutils {
namespace {

using nlohmann::json;

void take_setting(NoiseSettings& settings, const OptionSpec& option, const json& value) {
  if (option.type == OptionType::choice) {
    if (!value.is_string()) throw DataError("is no word");
    settings.words[option.name] = value.get<std::string>();
  } else if (option.type == OptionType::file) {
    const auto is_text = [&](const char* key) { return value.contains(key) && value[key].is_string(); };
    if (!value.is_object() || !is_text("file") || !is_text("hash") || !value.contains("rms") ||
        !value["rms"].is_number())
      throw DataError("does not describe a file");
    settings.maps[option.name] = {value["file"].get<std::string>(), value["hash"].get<std::string>(),
                                  value["rms"].get<double>(), Tensor(DType::F64, {0})};
  } else {
    if (!value.is_number()) throw DataError("is no number");
    settings.numbers[option.name] = value.get<double>();
  }
}

std::unique_ptr<Noise> noise_of_object(const json& object) {
  if (!object.is_object() || !object.contains("family") || !object["family"].is_string())
    throw DataError("metadata \"noise\" has no family");
  const NoiseFamily& family =
      require_entry<DataError>(noise_families(), object["family"].get<std::string>(), "noise family");
  NoiseSettings settings;
  for (const OptionSpec& option : family.options)
    if (const auto found = object.find(option.name); found != object.end())
      with_context("metadata \"noise\": " + option.name, [&] { take_setting(settings, option, *found); });
  try {
    check_settings(family, settings);
    return family.make(settings);
  } catch (const UsageError& error) {  // the same checks as on the command line, but it is the record that is wrong
    throw DataError(std::string("metadata \"noise\": ") + error.what());
  }
}

json own_description(const Noise& noise, std::uint64_t seed, bool clipped, std::size_t layer) {
  json own{{"family", noise.family()}, {"seed", seed}};
  for (const auto& [name, value] : noise.parameters()) own[name] = value;
  for (const auto& [name, word] : noise.words()) own[name] = word;
  for (const auto& [name, map] : noise.maps())
    own[name] = {{"file", map.file}, {"hash", map.hash}, {"rms", map.rms}, {"tensor", noise_companion(name, layer)}};
  if (clipped) own["clipped"] = true;
  return own;
}

/// Law of total variance, Var(z|x) = E[Var(z|y) | x] + Var(E[z|y] | x), with E[y|x] = x and E[y^2|x] = x^2 + Var(y|x).
VarianceLaw followed_by(const VarianceLaw& before, const VarianceLaw& next) {
  const double factor = 1 + next.quadratic;
  return {next.constant + factor * before.constant, next.linear + factor * before.linear,
          next.quadratic + factor * before.quadratic};
}

}  // namespace

std::unique_ptr<Noise> Noise::of_sample(const NoiseKey&, const SampleGeometry&) const { return nullptr; }
std::unique_ptr<NoiseDraw> Noise::begin(const NoiseKey&, const Tensor&, const SampleGeometry&) const { return nullptr; }
void Noise::draw(const NoiseKey&, std::uint64_t, std::span<const float>, std::span<float>) const {
  throw InternalError(family() + " noise is not elementwise");
}
void Noise::draw(const NoiseKey&, std::uint64_t, std::span<const double>, std::span<double>) const {
  throw InternalError(family() + " noise is not elementwise");
}
VarianceLaw Noise::variance() const {
  throw DataError("the noise is " + family() + ": its variance is no quadratic function of an unbiased mean");
}
double Noise::lowest_clean_value() const { return -std::numeric_limits<double>::infinity(); }
double Noise::highest_clean_value() const { return std::numeric_limits<double>::infinity(); }

std::vector<std::unique_ptr<Noise>> noise_from_metadata(const std::string& text) {
  std::vector<std::unique_ptr<Noise>> laws;
  if (text.empty()) return laws;
  const json parsed = parse_json(text);
  if (parsed.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + text.substr(0, 60));
  if (parsed.is_array())
    for (const json& object : parsed) laws.push_back(noise_of_object(object));
  else
    laws.push_back(noise_of_object(parsed));
  return laws;
}

std::size_t noise_layer(const std::string& text) {
  if (text.empty()) return 0;
  const json parsed = parse_json(text);
  if (parsed.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + text.substr(0, 60));
  return parsed.is_array() ? parsed.size() : 1;
}

std::string noise_companion(std::string_view option, std::size_t layer) {
  return "noise." + std::string(option) + (layer == 0 ? "" : "." + std::to_string(layer));
}

std::string extended_noise_metadata(const std::string& text, const Noise& noise, std::uint64_t seed, bool clipped) {
  const json own = own_description(noise, seed, clipped, noise_layer(text));
  if (text.empty()) return json_text(own);
  json list = parse_json(text);
  if (!list.is_array()) list = json::array({list});
  list.push_back(own);
  return json_text(list);
}

VarianceLaw combined_variance(const std::vector<std::unique_ptr<Noise>>& laws) {
  VarianceLaw total;
  for (const auto& law : laws) total = followed_by(total, law->variance());
  return total;
}

VarianceLaw combined_mean_variance(const std::vector<std::unique_ptr<Noise>>& laws) {
  VarianceLaw total;
  for (const auto& law : laws) total = followed_by(total, law->mean_variance());
  return total;
}

VarianceLaw combined_mean_variance(const std::vector<std::shared_ptr<const Noise>>& laws) {
  VarianceLaw total;
  for (const auto& law : laws) total = followed_by(total, law->mean_variance());
  return total;
}

double require_parameter(const NoiseParameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) throw UsageError("--" + std::string(name) + " is needed");
  return found->second;
}

void check_settings(const NoiseFamily& family, const NoiseSettings& settings) {
  for (const OptionSpec& option : family.options) {
    if (const auto found = settings.numbers.find(option.name); found != settings.numbers.end())
      check_option_value(option, format_number(found->second));
    if (const auto found = settings.words.find(option.name); found != settings.words.end())
      check_option_value(option, found->second);
  }
}

}  // namespace noiseutils

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

std::unique_ptr<Noise> noise_of_object(const json& object) {
  if (!object.is_object() || !object.contains("family") || !object["family"].is_string())
    throw DataError("metadata \"noise\" has no family");
  const NoiseFamily& family =
      require_entry<DataError>(noise_families(), object["family"].get<std::string>(), "noise family");
  NoiseParameters parameters;
  for (const OptionSpec& option : family.options)
    if (const auto found = object.find(option.name); found != object.end()) {
      if (!found->is_number()) throw DataError("metadata \"noise\": " + option.name + " is no number");
      parameters[option.name] = found->get<double>();
    }
  try {
    check_parameters(family, parameters);
    return family.make(parameters);
  } catch (const UsageError& error) {  // the same checks as on the command line, but it is the record that is wrong
    throw DataError(std::string("metadata \"noise\": ") + error.what());
  }
}

}  // namespace

double Noise::lowest_clean_value() const { return -std::numeric_limits<double>::infinity(); }

std::unique_ptr<Noise> make_noise(const NoiseFamily& family, const OptionValues& options) {
  NoiseParameters parameters;
  for (const OptionSpec& option : family.options)
    if (options.has(option.name)) parameters[option.name] = options.number(option.name);
  return family.make(parameters);
}

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

std::string extended_noise_metadata(const std::string& text, const Noise& noise, std::uint64_t seed, bool clipped) {
  json own{{"family", noise.family()}, {"seed", seed}};
  for (const auto& [name, value] : noise.parameters()) own[name] = value;
  if (clipped) own["clipped"] = true;
  if (text.empty()) return own.dump();
  json list = parse_json(text);
  if (list.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + text.substr(0, 60));
  if (!list.is_array()) list = json::array({list});
  list.push_back(own);
  return list.dump();
}

VarianceLaw combined_variance(const std::vector<std::unique_ptr<Noise>>& laws) {
  // Law of total variance, Var(z|x) = E[Var(z|y) | x] + Var(E[z|y] | x), with E[y|x] = x and E[y^2|x] = x^2 + Var(y|x).
  VarianceLaw total;
  for (const auto& law : laws) {
    const VarianceLaw next = law->variance();
    total = {next.constant + (1 + next.quadratic) * total.constant, next.linear + (1 + next.quadratic) * total.linear,
             next.quadratic + (1 + next.quadratic) * total.quadratic};
  }
  return total;
}

double require_parameter(const NoiseParameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) throw UsageError("--" + std::string(name) + " is needed");
  return found->second;
}

void check_parameters(const NoiseFamily& family, const NoiseParameters& parameters) {
  for (const auto& [name, value] : parameters)
    for (const OptionSpec& option : family.options)
      if (option.name == name) check_option_value(option, format_number(value));
}

}  // namespace noiseutils

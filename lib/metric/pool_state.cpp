#include "metric/pool_state.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"

namespace noiseutils {
namespace {

constexpr const char* kFormat = "noiseutils-metric/1";
constexpr std::int64_t kMostSamples = std::int64_t{1} << 53;  // numbers of JSON that every reader knows exactly

/// JSON has no number for what is not finite: such a value is text.
nlohmann::json number_json(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(format_number(value));
}

double number_from(const nlohmann::json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  throw DataError("a value of the state is no number");
}

const nlohmann::json& part(const nlohmann::json& object, const char* key, nlohmann::json::value_t type) {
  if (!object.is_object() || !object.contains(key) || object[key].type() != type)
    throw DataError(std::string("the state lacks \"") + key + "\", or it is of another type");
  return object[key];
}

nlohmann::json options_json(const MetricEntry& entry, const OptionValues& options) {
  nlohmann::json values = nlohmann::json::object();
  for (const OptionSpec& spec : entry.options)
    if (options.has(spec.name)) values[spec.name] = options.list(spec.name);
  return values;
}

/// The options of a state, checked as if they had been typed.
OptionValues options_from(const nlohmann::json& state, const MetricEntry& entry) {
  const auto& json = part(state, "options", nlohmann::json::value_t::object);
  OptionValues options;
  for (const OptionSpec& spec : entry.options) {
    std::vector<std::string> values;
    if (json.contains(spec.name) && json[spec.name].is_array())
      for (const auto& value : json[spec.name])
        if (value.is_string()) values.push_back(value.get<std::string>());
    try {
      options.set(spec, std::move(values));
    } catch (const UsageError& error) {
      throw DataError(error.what());
    }
  }
  return options;
}

}  // namespace

nlohmann::json MetricPool::state() const {
  nlohmann::json state = {
      {"name", entry_.name},      {"options", options_json(entry_, options_)}, {"samples", samples_},
      {"sum", number_json(sum_)}, {"squares", number_json(squares_)},          {"state", nlohmann::json::object()}};
  for (const auto& [name, values] : all_->state()) {
    nlohmann::json list = nlohmann::json::array();
    for (const double value : values) list.push_back(number_json(value));
    state["state"][name] = std::move(list);
  }
  return state;
}

void MetricPool::merge_state(const nlohmann::json& state) {
  using Type = nlohmann::json::value_t;
  if (part(state, "name", Type::string) != entry_.name)
    throw DataError("is of " + state["name"].get<std::string>() + ", those before of " + entry_.name);
  if (part(state, "options", Type::object) != options_json(entry_, options_))
    throw DataError(entry_.name + " was measured with other options than before: " + state["options"].dump() +
                    ", not " + options_json(entry_, options_).dump());
  if (!state.contains("samples") || !state["samples"].is_number_integer() || state["samples"] < 0 ||
      state["samples"] > kMostSamples)
    throw DataError("the state has no number of samples");
  MetricState saved;
  for (const auto& [name, list] : part(state, "state", Type::object).items()) {
    if (!list.is_array()) throw DataError("the state of " + name + " is no list");
    for (const auto& value : list) saved[name].push_back(number_from(value));
    saved[name];
  }
  const auto other = entry_.make(options_);
  other->restore(saved);
  all_->merge(*other);
  add_figures(state["samples"].get<std::int64_t>(), number_from(state.value("sum", nlohmann::json())),
              number_from(state.value("squares", nlohmann::json())));
}

std::string state_text(const std::vector<MetricPool>& pools) {
  nlohmann::json list = nlohmann::json::array();
  for (const MetricPool& pool : pools) list.push_back(pool.state());
  return json_text({{"format", kFormat}, {"metrics", list}}) + "\n";
}

namespace {

/// The states of pools in a text.
nlohmann::json states_in(const std::string& text) {
  const nlohmann::json json = parse_json(text);
  if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat)
    throw DataError(std::string("is no state of metric --state (format ") + kFormat + ")");
  return part(json, "metrics", nlohmann::json::value_t::array);
}

void merge_states(std::vector<MetricPool>& pools, const nlohmann::json& list) {
  if (list.size() != pools.size()) throw DataError("has other metrics than those before");
  for (std::size_t i = 0; i < list.size(); ++i) pools[i].merge_state(list[i]);
}

}  // namespace

void merge_state_text(std::vector<MetricPool>& pools, const std::string& text) { merge_states(pools, states_in(text)); }

void MergedPools::add(const std::string& text) {
  const nlohmann::json list = states_in(text);
  if (pools_.empty())
    for (const auto& state : list) {
      const auto& entry = require_entry<DataError>(
          metrics(), part(state, "name", nlohmann::json::value_t::string).get<std::string>(), "metric");
      options_.push_back(options_from(state, entry));
      pools_.emplace_back(entry, options_.back());
    }
  merge_states(pools_, list);
}

}  // namespace noiseutils

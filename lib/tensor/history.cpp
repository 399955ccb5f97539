#include "tensor/history.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace noiseutils {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxHistory = std::size_t{64} << 10;

json steps_of(const std::string& history) {
  if (history.empty()) return json::array();
  json steps = parse_json(history);
  if (steps.is_array()) return steps;
  return json::array({json{{"note", history.substr(0, 256)}}});
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_./:=,+%") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string step_text(const json& step) {
  std::string text;
  if (step.contains("argv") && step["argv"].is_array())
    for (const json& word : step["argv"])
      if (word.is_string()) text += (text.empty() ? "" : " ") + quoted(word.get<std::string>());
  if (text.empty()) return "# " + json_text(step);
  if (step.contains("seed") && step["seed"].is_number_unsigned()) text += " --seed " + json_text(step["seed"]);
  if (step.contains("inputs") && step["inputs"].is_array())
    for (const json& input : step["inputs"]) text += " <(" + history_as_pipeline(json_text(input)) + ")";
  return text;
}

}  // namespace

std::string extended_history(const std::string& history, const HistoryStep& step,
                             const std::vector<std::string>& other_inputs) {
  json steps = steps_of(history);
  json own{{"argv", step.argv}, {"version", NOISEUTILS_VERSION}};
  if (step.seed) own["seed"] = *step.seed;
  for (const std::string& input : other_inputs) own["inputs"].push_back(steps_of(input));
  steps.push_back(std::move(own));
  while (steps.size() > 1 && json_text(steps).size() > kMaxHistory) steps.erase(steps.begin());
  // One step of many inputs: how many there were is left of them.
  if (json_text(steps).size() > kMaxHistory) steps.back()["inputs"] = other_inputs.size();
  return json_text(steps);
}

std::string history_as_pipeline(const std::string& history) {
  std::string text;
  for (const json& step : steps_of(history)) text += (text.empty() ? "" : " | ") + step_text(step);
  return text;
}

}  // namespace noiseutils

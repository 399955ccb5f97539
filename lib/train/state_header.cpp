#include "train/state_header.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMaxEdge = 1 << 16;    // of a patch or stride that a state may claim
constexpr std::int64_t kMaxValues = 1 << 30;  // of a vector: what is counted by their square does not overflow

bool is_count(const nlohmann::json& number) {
  return number.is_number_unsigned() && number.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMaxVectors);
}

[[noreturn]] void damaged(const char* key, const std::string& value) {
  throw DataError(std::string("is a damaged state: ") + key + " is " + value.substr(0, 60));
}

nlohmann::json list_of(const Record& state, const char* key) {
  nlohmann::json list = parse_json(state.meta(key));
  if (!list.is_array()) throw DataError("is a damaged state: its metadata do not make sense");
  return list;
}

/// Axes of 1 value or more, of at most kMaxValues together.
Shape shape_of(const nlohmann::json& list) {
  Shape shape;
  std::int64_t values = 1;
  for (const auto& axis : list) {
    const std::uint64_t size = axis.is_number_unsigned() ? axis.get<std::uint64_t>() : 0;
    if (size < 1 || size > static_cast<std::uint64_t>(kMaxValues / values)) damaged("state.shape", json_text(list));
    shape.push_back(static_cast<std::int64_t>(size));
    values *= shape.back();
  }
  return shape;
}

std::vector<std::string> texts_of(const nlohmann::json& list) {
  std::vector<std::string> texts;
  for (const auto& text : list)
    if (text.is_string()) texts.push_back(text.get<std::string>());
  return texts;
}

}  // namespace

std::int64_t whole_number(const Record& state, const char* key, std::int64_t low, std::int64_t high) {
  std::int64_t value = low - 1;
  try {
    value = parse_integer(state.meta(key));
  } catch (const UsageError&) {  // reported below, as a matter of data
  }
  if (value < low || value > high) damaged(key, "\"" + state.meta(key) + "\"");
  return value;
}

void write_state_header(const StateHeader& header, Record& state) {
  auto& metadata = state.metadata;
  metadata["state.kind"] = header.kind;
  metadata["state.axes"] = header.layout.axes;
  metadata["state.shape"] = shape_text(header.layout.shape);
  metadata["state.patch"] = std::to_string(header.layout.patch);
  metadata["state.stride"] = std::to_string(header.layout.stride);
  metadata["state.dtype"] = dtype_name(header.layout.dtype);
  metadata["state.options"] = header.options;
  metadata["state.noise"] = header.noise;
  metadata["state.samples"] = json_text(header.samples);
  metadata["state.ranges"] = json_text(header.ranges);
  metadata["state.shards"] = json_text(header.shards);
  if (header.skipped > 0) metadata["samples.skipped"] = std::to_string(header.skipped);
}

StateHeader read_state_header(const Record& state) {
  StateHeader header;
  header.kind = state.meta("state.kind");
  if (header.kind.empty()) throw DataError("is no state of train-linear: metadata \"state.kind\" is missing");
  const auto dtype = dtype_from_name(state.meta("state.dtype"));
  const auto shape = list_of(state, "state.shape"), ranges = list_of(state, "state.ranges");
  if (!dtype || (*dtype != DType::F32 && *dtype != DType::F64))
    throw DataError("is a damaged state: its metadata do not make sense");
  header.layout.dtype = *dtype;
  header.layout.shape = shape_of(shape);
  header.layout.patch = whole_number(state, "state.patch", 0, kMaxEdge);
  header.layout.stride = whole_number(state, "state.stride", 1, kMaxEdge);
  header.layout.axes = state.meta("state.axes");
  check_axes(header.layout.axes, header.layout.shape);
  for (const auto& range : ranges) {
    if (!range.is_array() || range.size() != 2 || !is_count(range[0]) || !is_count(range[1]) || range[1] < range[0])
      damaged("state.ranges", json_text(ranges));
    header.ranges.emplace_back(range[0].get<std::int64_t>(), range[1].get<std::int64_t>());
  }
  header.options = state.meta("state.options");
  if (!parse_json(header.options).is_object())
    throw DataError("is a damaged state: metadata \"state.options\" is no JSON object");
  header.noise = state.meta("state.noise");
  header.samples = texts_of(list_of(state, "state.samples"));
  if (state.metadata.contains("state.shards")) header.shards = texts_of(list_of(state, "state.shards"));
  if (state.metadata.contains("samples.skipped"))
    header.skipped = whole_number(state, "samples.skipped", 0, kMaxVectors);
  return header;
}

std::string options_text(const std::vector<OptionSpec>& specs, const OptionValues& values) {
  nlohmann::json found = nlohmann::json::object();
  for (const OptionSpec& spec : specs)
    if (spec.changes_values && spec.type != OptionType::file && values.has(spec.name))
      found[spec.name] = spec.type == OptionType::flag ? std::vector<std::string>(values.flag(spec.name) ? 1 : 0)
                                                       : values.list(spec.name);
  return found.dump();
}

OptionValues options_from_text(const std::vector<OptionSpec>& specs, const std::string& text) {
  const nlohmann::json found = parse_json(text);
  OptionValues values;
  try {
    for (const OptionSpec& spec : specs) values.set(spec, found.value(spec.name, std::vector<std::string>{}));
  } catch (const nlohmann::json::exception&) {
    damaged("state.options", text);
  } catch (const UsageError& error) {
    throw DataError(std::string("is a damaged state: ") + error.what());
  }
  return values;
}

}  // namespace noiseutils

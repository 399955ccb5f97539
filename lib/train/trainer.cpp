#include "train/trainer.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "model/patch_geometry.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise_level.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kMaxSamples =
    4096;  // content hashes kept; beyond that the smallest, so that merging is order-free

constexpr std::int64_t kMaxEdge = 1 << 16;  // of a patch or stride that a state may claim

bool is_count(const nlohmann::json& number) {
  return number.is_number_unsigned() && number.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMaxVectors);
}

/// The options that were given values, by name, as one would type them.
nlohmann::json options_json(const std::vector<OptionSpec>& specs, const OptionValues& values) {
  nlohmann::json found = nlohmann::json::object();
  for (const OptionSpec& spec : specs)
    if (spec.changes_values && spec.type != OptionType::file && values.has(spec.name))
      found[spec.name] = spec.type == OptionType::flag ? std::vector<std::string>(values.flag(spec.name) ? 1 : 0)
                                                       : values.list(spec.name);
  return found;
}

OptionValues options_from_json(const std::vector<OptionSpec>& specs, const nlohmann::json& found) {
  OptionValues values;
  try {
    for (const OptionSpec& spec : specs) values.set(spec, found.value(spec.name, std::vector<std::string>{}));
  } catch (const nlohmann::json::exception&) {
    throw DataError("is a damaged state: state.options is " + found.dump().substr(0, 60));
  } catch (const UsageError& error) {
    throw DataError(std::string("is a damaged state: ") + error.what());
  }
  return values;
}

}  // namespace

const Tensor& require_tensor(const Record& state, std::string_view name, DType dtype, const Shape& shape) {
  const Tensor& tensor = state.require(name);
  if (tensor.dtype() != dtype || tensor.shape() != shape)
    throw DataError("tensor \"" + std::string(name) + "\" is " + std::string(dtype_name(tensor.dtype())) +
                    shape_text(tensor.shape()) + ", expected " + std::string(dtype_name(dtype)) + shape_text(shape));
  return tensor;
}

std::int64_t require_count(const Record& state) {
  const std::int64_t count = require_tensor(state, "count", DType::I64, {}).values<std::int64_t>()[0];
  if (count < 0 || count > kMaxVectors)
    throw DataError("tensor \"count\" is " + std::to_string(count) + ", expected 0 to " + std::to_string(kMaxVectors));
  return count;
}

Trainer::Trainer(const TrainKind& kind, TrainRequest request) : kind_(kind), request_(std::move(request)) {
  for (const OptionSpec& spec : kind_.options)
    if (!request_.options.declared(spec.name)) request_.options.set(spec, {});
}

void Trainer::begin(const std::string& axes, const Shape& shape, DType dtype) {
  info_.axes = axes;
  info_.shape = shape;
  info_.patch = request_.patch;
  info_.stride = request_.stride;
  dtype_ = dtype;
  if (request_.patch > 0) {
    const PatchGeometry geometry = patch_geometry(axes, shape, request_.patch, request_.stride);
    info_.shape = axes == "CHW" ? Shape{geometry.channels, request_.patch, request_.patch}
                                : Shape{request_.patch, request_.patch};
  }
  statistics_ = kind_.make(layout(), request_.options);
}

void Trainer::add(const Record& given, std::int64_t first_sample) {
  Record record = given;  // shares the tensors
  if (!request_.sigma) to_clean_units(record);
  const std::string axes = sample_axes(record);
  const Shape shape = sample_shape(record);
  const std::int64_t samples = sample_count(record);
  const std::string who = "sample " + sample_id(record, 0, first_sample);
  with_context(who, [&] {
    if (!statistics_) begin(axes, shape, record.require("data").dtype() == DType::F64 ? DType::F64 : DType::F32);
    const bool same_axes = axes == info_.axes;
    const bool same_shape =
        request_.patch > 0 ? axes != "CHW" || (same_axes && shape[0] == info_.shape[0]) : shape == info_.shape;
    if (!same_axes || !same_shape)
      throw DataError("is " + axes + shape_text(shape) + ", the samples before are " + info_.axes +
                      shape_text(info_.shape) + (request_.patch > 0 ? " patches" : ""));
  });
  with_context(who, [&] { note_noise(known_noise(record, request_.sigma)); });
  note_range(first_sample, samples);
  std::vector<double> variances(static_cast<std::size_t>(samples), 0.0);
  if (request_.sigma || !record.meta("noise").empty()) variances = noise_levels(record, request_.sigma);
  for (double& level : variances) level *= level;
  std::vector<std::string> hashes(static_cast<std::size_t>(samples));
  parallel_blocks(samples, [&](std::int64_t i) {
    hashes[static_cast<std::size_t>(i)] = content_hash_text(sample_of(record, "data", i));
  });
  for (std::string& hash : hashes) note_sample(std::move(hash));
  const std::int64_t before = statistics_->count();
  with_context(who, [&] { statistics_->add({record, axes, shape, first_sample, variances}); });
  // All samples of a record have the same number of vectors.
  const double vectors_each = static_cast<double>(statistics_->count() - before) / static_cast<double>(samples);
  for (const double variance : variances) variance_sum_ += vectors_each * variance;
}

void Trainer::note_sample(std::string hash) {
  samples_.insert(std::move(hash));
  if (samples_.size() > kMaxSamples) samples_.erase(std::prev(samples_.end()));
}

/// What the model says it was freed of: the text that all samples share, or "variable".
void Trainer::note_noise(const std::string& noise) {
  if (noise_known_ && noise.empty() != info_.noise.empty())
    throw DataError(std::string(noise.empty() ? "is clean" : "is noisy") + ", the samples before are " +
                    (noise.empty() ? "noisy" : "clean"));
  if (!noise_known_)
    info_.noise = noise;
  else if (noise != info_.noise)
    info_.noise = "variable";
  noise_known_ = true;
}

/// The same sample twice would count twice: ranges of sample numbers must not overlap.
void Trainer::note_range(std::int64_t first, std::int64_t count) {
  if (!ranges_.empty() && ranges_.rbegin()->second == first) {  // the usual case: the run goes on
    ranges_.rbegin()->second = first + count;
    return;
  }
  for (const auto& [begin, end] : ranges_)
    if (first < end && begin < first + count)
      throw DataError("samples " + std::to_string(std::max(first, begin)) + " to " +
                      std::to_string(std::min(first + count, end) - 1) +
                      " are there already (array jobs number theirs by --first-index)");
  ranges_.emplace(first, first + count);
}

Record Trainer::state() {
  if (!statistics_) throw DataError("there is no sample to learn from");
  Record state;
  statistics_->save(state);
  state.tensors["noise_variance_sum"] = Tensor::of<double>({}, {variance_sum_});
  state.metadata["state.kind"] = kind_.name;
  state.metadata["state.axes"] = info_.axes;
  state.metadata["state.shape"] = shape_text(info_.shape);
  state.metadata["state.patch"] = std::to_string(info_.patch);
  state.metadata["state.stride"] = std::to_string(info_.stride);
  state.metadata["state.dtype"] = dtype_name(dtype_);
  state.metadata["state.options"] = options_json(kind_.options, request_.options).dump();
  state.metadata["state.noise"] = info_.noise;
  state.metadata["state.samples"] = json_text(samples_);
  state.metadata["state.ranges"] = json_text(ranges_);
  return state;
}

const TrainKind& Trainer::kind_of_state(const Record& state) {
  const std::string kind = state.meta("state.kind");
  if (kind.empty()) throw DataError("is no state of train-linear: metadata \"state.kind\" is missing");
  return require_entry<DataError>(train_kinds(), kind, "way of learning");
}

void Trainer::merge_state(const Record& state) {
  const auto dtype = dtype_from_name(state.meta("state.dtype"));
  const auto shape_json = parse_json(state.meta("state.shape"));
  const auto samples = parse_json(state.meta("state.samples"));
  const auto ranges = parse_json(state.meta("state.ranges"));
  if (!dtype || (*dtype != DType::F32 && *dtype != DType::F64) || !shape_json.is_array() || !samples.is_array() ||
      !ranges.is_array())
    throw DataError("is a damaged state: its metadata do not make sense");
  Shape shape;
  for (const auto& axis : shape_json) {
    if (!axis.is_number_unsigned()) throw DataError("is a damaged state: state.shape is " + json_text(shape_json));
    shape.push_back(axis.get<std::int64_t>());
  }
  const auto whole_number = [&](const char* key, std::int64_t low) {
    std::int64_t value = low - 1;
    try {
      value = parse_integer(state.meta(key));
    } catch (const UsageError&) {  // reported below, as a matter of data
    }
    if (value < low || value > kMaxEdge) throw DataError(std::string(key) + " is \"" + state.meta(key) + "\"");
    return value;
  };
  const std::int64_t patch = whole_number("state.patch", 0), stride = whole_number("state.stride", 1);
  const std::string axes = state.meta("state.axes");
  check_axes(axes, shape);
  const auto differs = [](const std::string& what, const std::string& own, const std::string& other) {
    if (own != other) throw DataError("has " + what + " " + other + ", the states before have " + own);
  };
  differs("kind", kind_.name, state.meta("state.kind"));
  for (const auto& range : ranges) {
    if (!range.is_array() || range.size() != 2 || !is_count(range[0]) || !is_count(range[1]) || range[1] < range[0])
      throw DataError("is a damaged state: state.ranges is " + json_text(ranges).substr(0, 60));
    note_range(range[0].get<std::int64_t>(), range[1].get<std::int64_t>() - range[0].get<std::int64_t>());
  }
  const auto options = parse_json(state.meta("state.options"));
  if (!options.is_object()) throw DataError("is a damaged state: metadata \"state.options\" is no JSON object");
  if (!statistics_) request_.options = options_from_json(kind_.options, options);
  differs("options", options_json(kind_.options, request_.options).dump(), options.dump());
  auto other = kind_.load({*dtype, axes, shape, patch, stride}, request_.options, state);
  if (!statistics_) {
    info_.axes = axes;
    info_.shape = shape;
    info_.patch = request_.patch = patch;
    info_.stride = request_.stride = stride;
    dtype_ = *dtype;
    statistics_ = std::move(other);
  } else {
    differs("patch", std::to_string(info_.patch), std::to_string(patch));
    differs("stride", std::to_string(info_.stride), std::to_string(stride));
    differs("axes", info_.axes, axes);
    differs("shape", shape_text(info_.shape), shape_text(shape));
    differs("type", std::string(dtype_name(dtype_)), std::string(dtype_name(*dtype)));
    statistics_->merge(*other);
    if (statistics_->count() > kMaxVectors) throw DataError("makes more vectors than can be counted");
  }
  note_noise(state.meta("state.noise"));
  variance_sum_ += require_tensor(state, "noise_variance_sum", DType::F64, {}).values<double>()[0];
  for (const auto& hash : samples)
    if (hash.is_string()) samples_.insert(hash.get<std::string>());
  while (samples_.size() > kMaxSamples) samples_.erase(std::prev(samples_.end()));
}

std::unique_ptr<Model> Trainer::finish() {
  const std::int64_t count = statistics_ ? statistics_->count() : 0;
  if (count < 2)
    throw DataError("a law takes at least 2 samples (or patches) to learn; there " +
                    std::string(count == 1 ? "is 1" : "are 0"));
  info_.kind = kind_.name;
  info_.count = count;
  info_.samples.assign(samples_.begin(), samples_.end());
  return statistics_->finish(info_, variance_sum_ / static_cast<double>(count));
}

}  // namespace noiseutils

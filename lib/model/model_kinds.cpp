#include "model/model_kinds.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "model/affine.hpp"
#include "model/cascade.hpp"
#include "model/empirical.hpp"
#include "model/features.hpp"
#include "model/gaussian.hpp"
#include "model/kronecker.hpp"
#include "model/mixture.hpp"
#include "model/stationary.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {
namespace {

using nlohmann::json;

const std::string kPrefix = "model.";
const std::set<std::string, std::less<>> kOwnKeys = {"model.kind",   "model.axes",  "model.shape", "model.patch",
                                                     "model.stride", "model.count", "model.noise", "model.samples"};

std::int64_t whole_number(const Record& record, const std::string& key, std::int64_t low) {
  std::int64_t value = low - 1;
  try {
    value = parse_integer(record.meta(key));
  } catch (const UsageError&) {  // reported below, as a matter of data
  }
  if (value < low)
    throw DataError("metadata \"" + key + "\" is \"" + record.meta(key) + "\", expected a whole number from " +
                    std::to_string(low) + " on");
  return value;
}

Shape shape_of(const std::string& text) {
  const json list = parse_json(text);
  Shape shape;
  if (list.is_array())
    for (const json& axis : list)
      if (axis.is_number_integer() && axis.get<std::int64_t>() > 0) shape.push_back(axis.get<std::int64_t>());
  if (!list.is_array() || shape.size() != list.size())
    throw DataError("metadata \"model.shape\" is \"" + text.substr(0, 60) + "\", expected a list such as [28,28]");
  return shape;
}

ModelInfo info_of(const Record& record) {
  ModelInfo info;
  info.kind = record.meta("model.kind");
  if (info.kind.empty()) throw DataError("is no model: it has no metadata \"model.kind\"");
  info.axes = record.meta("model.axes");
  info.shape = shape_of(record.meta("model.shape"));
  check_axes(info.axes, info.shape);
  info.patch = whole_number(record, "model.patch", 0);
  if (!record.meta("model.stride").empty()) info.stride = whole_number(record, "model.stride", 1);
  info.count = whole_number(record, "model.count", 1);
  info.noise = record.meta("model.noise");
  if (const std::string text = record.meta("model.samples"); !text.empty()) {
    const json list = parse_json(text);
    if (!list.is_array()) throw DataError("metadata \"model.samples\" is no JSON list");
    for (const json& hash : list) {
      if (!hash.is_string()) throw DataError("metadata \"model.samples\" is no list of strings");
      info.samples.push_back(hash.get<std::string>());
    }
  }
  for (const auto& [key, value] : record.metadata)
    if (key.starts_with(kPrefix) && !kOwnKeys.contains(key)) info.notes[key.substr(kPrefix.size())] = value;
  if (info.patch > 0) {
    const bool colour = info.axes == "CHW";
    if ((info.axes != "HW" && !colour) || info.shape[colour ? 1 : 0] != info.patch ||
        info.shape[colour ? 2 : 1] != info.patch)
      throw DataError("metadata \"model.shape\" is " + shape_text(info.shape) + " with axes " + info.axes +
                      ", expected patches of " + std::to_string(info.patch) + " x " + std::to_string(info.patch));
  }
  return info;
}

}  // namespace

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kinds = {
      {"gaussian", "a Gaussian law by its mean and the eigenvectors of its covariance", gaussian_from_tensors},
      {"stationary", "a periodic stationary Gaussian law by its power spectrum", stationary_from_tensors},
      {"kronecker", "a Gaussian law of matrices: covariance of rows times covariance of columns",
       kronecker_from_tensors},
      {"mixture", "a mixture of Gaussian laws, each by the leading eigenvectors of its covariance",
       mixture_from_tensors},
      {"empirical", "the training set itself, each of its samples equally likely", empirical_from_tensors},
      {"affine", "a denoiser W y + b fitted for one noise level", affine_from_tensors},
      {"features", "a denoiser C phi(y) + W y + b of random Fourier features", features_from_tensors},
      {"cascade", "a denoiser of images in stages, fitted by least squares, switched by a mixture",
       cascade_from_tensors},
  };
  return kinds;
}

Record model_to_record(const Model& model) {
  const ModelInfo& info = model.info();
  Record record;
  record.tensors = model.tensors();
  for (const auto& [key, value] : model.metadata()) record.metadata[key] = value;
  record.metadata["model.kind"] = info.kind;
  record.metadata["model.axes"] = info.axes;
  record.metadata["model.shape"] = shape_text(info.shape);
  record.metadata["model.patch"] = std::to_string(info.patch);
  if (info.stride > 1) record.metadata["model.stride"] = std::to_string(info.stride);
  record.metadata["model.count"] = std::to_string(info.count);
  if (!info.noise.empty()) record.metadata["model.noise"] = info.noise;
  record.metadata["model.samples"] = json_text(info.samples);
  for (const auto& [name, value] : info.notes) record.metadata.insert({kPrefix + name, value});
  return record;
}

std::unique_ptr<Model> model_from_record(const Record& record) {
  ModelInfo info = info_of(record);
  const ModelKind& kind = require_entry<DataError>(model_kinds(), info.kind, "kind of model");
  return kind.from_tensors(std::move(info), record);
}

std::unique_ptr<Model> load_model(const std::string& path) {
  const auto reader = open_records({path}, ReadOptions{});  // names the file in its errors
  const std::optional<Record> record = reader->next();
  const bool more = record && reader->next();
  return with_context(path, [&] {
    if (!record) throw DataError("is empty, expected a model");
    if (more) throw DataError("holds more than one record, expected one model");
    return model_from_record(*record);
  });
}

}  // namespace noiseutils

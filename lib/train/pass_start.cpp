#include "train/pass_start.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "model/model_tensors.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {
namespace {

ModelInfo info_of_layout(const VectorLayout& layout) {
  ModelInfo info;
  info.kind = "mixture";
  info.axes = layout.axes;
  info.shape = layout.shape;
  info.patch = layout.patch;
  info.stride = layout.stride;
  return info;
}

}  // namespace

PassStart pass_start(const VectorLayout& layout, const MixtureModel& model, bool fit_noise) {
  const ModelInfo& info = model.info();
  const auto what = [](const std::string& axes, const Shape& shape, std::int64_t patch, std::int64_t stride) {
    return axes + shape_text(shape) + (patch > 0 ? " patches" : "") +
           (stride > 1 ? " of stride " + std::to_string(stride) : "");
  };
  const std::string own = what(info.axes, info.shape, info.patch, info.stride),
                    other = what(layout.axes, layout.shape, layout.patch, layout.stride);
  if (own != other) throw DataError("is a law of " + own + ", the samples are " + other);
  PassStart start{model.law(), 0};
  if (!fit_noise) return start;
  const auto noise = info.noise.empty() ? nlohmann::json() : parse_json(info.noise);
  if (!noise.is_object() || !noise.contains("sigma") || !noise["sigma"].is_number())
    throw DataError("does not say the noise to fit on from: with --noise fit the start is a model of --noise fit");
  const auto sigma = noise["sigma"].get<double>();
  start.fitted_noise = sigma * sigma;
  return start;
}

void save_pass_start(const PassStart& start, const VectorLayout& layout, Record& state) {
  const MixtureModel model(info_of_layout(layout), start.law);
  std::string hashes;
  for (const auto& [name, tensor] : model.tensors()) {
    state.tensors["start_" + name] = tensor;
    hashes += content_hash_text(tensor);
  }
  hashes += "levels " + std::to_string(start.law.level_rows);
  state.tensors["start_fitted_noise"] = Tensor::of<double>({}, {start.fitted_noise});
  const std::vector<std::uint8_t> letters(hashes.begin(), hashes.end());
  state.metadata["state.start"] = content_hash_text(Tensor::of<std::uint8_t>({std::ssize(letters)}, letters));
  for (const auto& [key, value] : model.metadata())
    if (key == "model.levels") state.metadata["state.levels"] = value;
}

PassStart load_pass_start(const VectorLayout& layout, const Record& state) {
  Record record;
  for (const auto& [name, tensor] : state.tensors)
    if (name.starts_with("start_")) record.tensors[name.substr(6)] = tensor;
  if (const std::string levels = state.meta("state.levels"); !levels.empty()) record.metadata["model.levels"] = levels;
  const std::unique_ptr<Model> model = mixture_from_tensors(info_of_layout(layout), record);
  const double fitted_noise = require_values(state, "start_fitted_noise", {})[0];
  if (fitted_noise < 0) throw DataError("tensor \"start_fitted_noise\" is " + format_number(fitted_noise));
  return {model->mixture()->law(), fitted_noise};
}

std::string pass_start_name(const PassStart& start, const VectorLayout& layout) {
  Record state;
  save_pass_start(start, layout, state);
  return state.meta("state.start");
}

bool same_start(const PassStart& one, const PassStart& other) {
  const MixtureLaw &a = one.law, &b = other.law;
  const Tensor ours = a.eigenvectors.converted(DType::F64), theirs = b.eigenvectors.converted(DType::F64);
  const auto u = ours.values<double>(), v = theirs.values<double>();
  return a.level_rows == b.level_rows && a.weights == b.weights && a.means == b.means && a.ranks == b.ranks &&
         a.eigenvalues == b.eigenvalues && a.residual_variances == b.residual_variances &&
         one.fitted_noise == other.fitted_noise && std::equal(u.begin(), u.end(), v.begin(), v.end());
}

}  // namespace noiseutils

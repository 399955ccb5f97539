#include "score/apply.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/registry.hpp"
#include "denoise/apply.hpp"
#include "denoise/strided.hpp"
#include "noise/gaussian_sigma.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {
namespace {

DType float_type(DType dtype) { return dtype == DType::F64 ? DType::F64 : DType::F32; }

std::vector<NoiseLevel> levels_of_samples(const Record& record, const GivenLevel& measurement,
                                          std::string_view key = "noise") {
  return levels_of_samples(record, measurement.alpha, measurement.sigma, key);
}

/// Calls work(level, elements from, elements to) for each run of samples of equal level: one batch each.
template <class Work>
void for_equal_levels(const std::vector<NoiseLevel>& levels, std::int64_t dim, Work&& work) {
  const auto equal = [](const NoiseLevel& a, const NoiseLevel& b) { return a.alpha == b.alpha && a.sigma == b.sigma; };
  for (std::size_t begin = 0, end = 0; begin < levels.size(); begin = end) {
    while (end < levels.size() && equal(levels[end], levels[begin])) ++end;
    work(levels[begin], begin * static_cast<std::size_t>(dim), (end - begin) * static_cast<std::size_t>(dim));
  }
}

template <class T>
Tensor converted_field(const FieldEntry& from, const FieldEntry& to, const std::vector<NoiseLevel>& levels,
                       const Tensor& noisy, const Tensor& data) {
  const Tensor y = noisy.converted(DTypeOf<T>::value);
  Tensor result = data.converted(DTypeOf<T>::value);
  const std::span<T> values = result.mutable_values<T>();
  for_equal_levels(levels, y.size() / static_cast<std::int64_t>(levels.size()),
                   [&](const NoiseLevel& level, std::size_t first, std::size_t count) {
                     const auto piece = values.subspan(first, count);
                     convert_field<T>(from.field, to.field, level, y.values<T>().subspan(first, count), piece, piece);
                   });
  return result;
}

template <class T>
std::vector<double> log_densities_of(const Tensor& data, const Model& model, const std::vector<NoiseLevel>& levels) {
  const Tensor y = data.converted(DTypeOf<T>::value);
  std::vector<double> result;
  for_equal_levels(levels, model.dim(), [&](const NoiseLevel& level, std::size_t first, std::size_t count) {
    const auto piece = log_densities(model, level, y.values<T>().subspan(first, count));
    result.insert(result.end(), piece.begin(), piece.end());
  });
  return result;
}

/// Collects what a denoiser writes.
class MemorySink : public ByteSink {
 public:
  explicit MemorySink(Tensor& tensor) : at_(tensor.mutable_raw()), end_(at_ + tensor.bytes()) {}
  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > static_cast<std::size_t>(end_ - at_)) throw InternalError("a denoiser wrote too much");
    at_ = std::copy(bytes.begin(), bytes.end(), at_);
  }

 private:
  std::byte *at_, *end_;
};

template <class T>
Tensor divided(const Tensor& y, const std::vector<NoiseLevel>& levels) {
  Tensor result = y.converted(DTypeOf<T>::value);
  if (std::all_of(levels.begin(), levels.end(), [](const NoiseLevel& level) { return level.alpha == 1; }))
    return result;
  const std::span<T> values = result.mutable_values<T>();
  for_equal_levels(levels, y.size() / static_cast<std::int64_t>(levels.size()),
                   [&](const NoiseLevel& level, std::size_t first, std::size_t count) {
                     for (T& value : values.subspan(first, count)) value /= static_cast<T>(level.alpha);
                   });
  return result;
}

}  // namespace

std::string used_noise(const Record& record, const GivenLevel& measurement) {
  if (!measurement.alpha) return known_noise(record, measurement.sigma);
  std::vector<std::string> texts;
  for (const NoiseLevel& level : levels_of_samples(record, measurement)) {
    nlohmann::json law = {{"family", "gaussian"}, {"sigma", level.sigma}};
    if (level.alpha != 1) law["alpha"] = level.alpha;
    texts.push_back(json_text(law));
  }
  const bool common = std::all_of(texts.begin(), texts.end(), [&](const auto& text) { return text == texts.front(); });
  return common ? texts.front() : json_text(texts);
}

void note_level(Record& record, const GivenLevel& measurement) {
  if (measurement.alpha || measurement.sigma) record.metadata["noise"] = used_noise(record, measurement);
}

FieldOfSamples::FieldOfSamples(std::shared_ptr<const Model> model, const FieldEntry& field,
                               const GivenLevel& measurement)
    : model_(model),
      field_(field),
      measurement_(measurement),
      images_(strided_denoiser(model_denoiser(model), model->info().stride)) {}

template <class T>
Tensor FieldOfSamples::of_vectors(const Tensor& noisy, const std::vector<NoiseLevel>& levels) {
  const Tensor y = noisy.converted(DTypeOf<T>::value);
  Tensor result(DTypeOf<T>::value, y.shape());
  const std::span<T> out = result.mutable_values<T>();
  for_equal_levels(levels, model_->dim(), [&](const NoiseLevel& level, std::size_t first, std::size_t count) {
    if (level.alpha != alpha_) vectors_.emplace(*model_, field_.field, level.alpha);
    alpha_ = level.alpha;
    vectors_->apply(level.sigma, y.values<T>().subspan(first, count), out.subspan(first, count));
  });
  return result;
}

template <class T>
Tensor FieldOfSamples::of_images(const Tensor& noisy, const std::vector<NoiseLevel>& levels) {
  Tensor x0(DTypeOf<T>::value, noisy.shape());
  MemorySink sink(x0);
  std::vector<double> relative;
  for (const NoiseLevel& level : levels) {
    if (level.sigma <= 0)
      throw UsageError((model_ ? "under a model of patches" : "of a program") + std::string(" sigma must be above 0"));
    relative.push_back(level.relative());
  }
  images_->produce(divided<T>(noisy, levels), relative, sink);
  return converted_field<T>(fields()[1], field_, levels, noisy, x0);
}

void FieldOfSamples::apply(Record& record) {
  images_->prepare(sample_axes(record), sample_shape(record));
  const Tensor y = record.require("data");
  const bool is_vector = model_ && sample_shape(record) == model_->info().shape;
  const auto levels = levels_of_samples(record, measurement_);
  record.metadata["axes"] = axes_of(record);
  const bool is_double = float_type(y.dtype()) == DType::F64;
  record.tensors["data"] = is_vector ? (is_double ? of_vectors<double>(y, levels) : of_vectors<float>(y, levels))
                                     : (is_double ? of_images<double>(y, levels) : of_images<float>(y, levels));
  record.metadata["field"] = field_.name;
  if (model_)
    record.metadata["model"] = model_metadata(model_->info());
  else
    record.metadata.erase("model");
  record.metadata["noise.removed"] = used_noise(record, measurement_);
  record.metadata.erase("noise");
}

void convert_field_of_samples(Record& record, const FieldEntry* from, const FieldEntry& to,
                              const GivenLevel& measurement) {
  if (from == nullptr) {
    const std::string name = record.meta("field");
    // What denoise --keep-noisy writes names no field: of an estimate of what the noise was removed from it is one.
    const bool is_estimate = name.empty() && !record.meta("noise.removed").empty() && record.find("noisy") != nullptr;
    if (name.empty() && !is_estimate) throw DataError("what is data? Metadata \"field\" is absent: give --from");
    from = &require_entry<DataError>(fields(), is_estimate ? "denoiser" : name, "field");
  }
  const Tensor& data = record.require("data");
  const Tensor* noisy = record.find("noisy");
  if (noisy == nullptr)
    throw DataError("conversions need the noisy sample as the companion noisy (score and denoise --keep-noisy)");
  if (noisy->shape() != data.shape())
    throw DataError("noisy has shape " + shape_text(noisy->shape()) + ", data " + shape_text(data.shape()));
  const auto levels =
      levels_of_samples(record, measurement, record.meta("noise.removed").empty() ? "noise" : "noise.removed");
  Tensor result = float_type(data.dtype()) == DType::F64 ? converted_field<double>(*from, to, levels, *noisy, data)
                                                         : converted_field<float>(*from, to, levels, *noisy, data);
  record.tensors["data"] = std::move(result);
  record.metadata["field"] = to.name;
}

void check_has_densities(const Record& record, const Model& model) {
  check_fits(model.info(), sample_axes(record), sample_shape(record));
  if (sample_shape(record) != model.info().shape)
    throw DataError("the model is a law of patches " + shape_text(model.info().shape) +
                    "; it gives no density of samples " + shape_text(sample_shape(record)));
}

std::vector<double> log_densities_of_samples(const Record& record, const Model& model, const GivenLevel& measurement) {
  check_has_densities(record, model);
  const Tensor& data = record.require("data");
  const auto levels = levels_of_samples(record, measurement);
  return float_type(data.dtype()) == DType::F64 ? log_densities_of<double>(data, model, levels)
                                                : log_densities_of<float>(data, model, levels);
}

}  // namespace noiseutils

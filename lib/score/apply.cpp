#include "score/apply.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/apply.hpp"
#include "noise/gaussian_sigma.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {
namespace {

DType float_type(DType dtype) { return dtype == DType::F64 ? DType::F64 : DType::F32; }

/// Calls work(sigma, elements from, elements to) for each run of samples of equal sigma: one batch each.
template <class Work>
void for_equal_sigmas(const std::vector<double>& sigmas, std::int64_t dim, Work&& work) {
  for (std::size_t begin = 0, end = 0; begin < sigmas.size(); begin = end) {
    while (end < sigmas.size() && sigmas[end] == sigmas[begin]) ++end;
    work(sigmas[begin], begin * static_cast<std::size_t>(dim), (end - begin) * static_cast<std::size_t>(dim));
  }
}

template <class T>
Tensor converted_field(const FieldEntry& from, const FieldEntry& to, double alpha, const std::vector<double>& sigmas,
                       const Tensor& noisy, const Tensor& data) {
  const Tensor y = noisy.converted(DTypeOf<T>::value);
  Tensor result = data.converted(DTypeOf<T>::value);
  const std::span<T> values = result.mutable_values<T>();
  for_equal_sigmas(
      sigmas, y.size() / static_cast<std::int64_t>(sigmas.size()),
      [&](double sigma, std::size_t first, std::size_t count) {
        const auto piece = values.subspan(first, count);
        convert_field<T>(from.field, to.field, {alpha, sigma}, y.values<T>().subspan(first, count), piece, piece);
      });
  return result;
}

template <class T>
std::vector<double> log_densities_of(const Tensor& data, const Model& model, double alpha,
                                     const std::vector<double>& sigmas) {
  const Tensor y = data.converted(DTypeOf<T>::value);
  std::vector<double> result;
  for_equal_sigmas(sigmas, model.dim(), [&](double sigma, std::size_t first, std::size_t count) {
    const auto piece = log_densities(model, {alpha, sigma}, y.values<T>().subspan(first, count));
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
Tensor divided(const Tensor& y, double alpha) {
  Tensor result = y.converted(DTypeOf<T>::value);
  if (alpha == 1) return result;
  for (T& value : result.mutable_values<T>()) value /= static_cast<T>(alpha);
  return result;
}

}  // namespace

FieldOfSamples::FieldOfSamples(std::shared_ptr<const Model> model, const FieldEntry& field,
                               const Measurement& measurement)
    : model_(model),
      field_(field),
      measurement_(measurement),
      vectors_(*model_, field.field, measurement.alpha),
      images_(model_denoiser(std::move(model))) {}

template <class T>
Tensor FieldOfSamples::of_vectors(const Tensor& noisy, const std::vector<double>& sigmas) {
  const Tensor y = noisy.converted(DTypeOf<T>::value);
  Tensor result(DTypeOf<T>::value, y.shape());
  const std::span<T> out = result.mutable_values<T>();
  for_equal_sigmas(sigmas, model_->dim(), [&](double sigma, std::size_t first, std::size_t count) {
    vectors_.apply(sigma, y.values<T>().subspan(first, count), out.subspan(first, count));
  });
  return result;
}

template <class T>
Tensor FieldOfSamples::of_images(const Tensor& noisy, const std::vector<double>& sigmas) {
  Tensor x0(DTypeOf<T>::value, noisy.shape());
  MemorySink sink(x0);
  std::vector<double> relative = sigmas;
  for (double& sigma : relative) {
    if (sigma <= 0) throw UsageError("under a model of patches sigma must be above 0");
    sigma /= measurement_.alpha;
  }
  images_->produce(divided<T>(noisy, measurement_.alpha), relative, sink);
  return converted_field<T>(fields()[1], field_, measurement_.alpha, sigmas, noisy, x0);
}

void FieldOfSamples::apply(Record& record) {
  images_->check(sample_axes(record), sample_shape(record));
  const Tensor y = record.require("data");
  const bool is_vector = sample_shape(record) == model_->info().shape;
  const auto sigmas = sigmas_of_samples(record, measurement_.sigma);
  record.metadata["axes"] = axes_of(record);
  const bool is_double = float_type(y.dtype()) == DType::F64;
  record.tensors["data"] = is_vector ? (is_double ? of_vectors<double>(y, sigmas) : of_vectors<float>(y, sigmas))
                                     : (is_double ? of_images<double>(y, sigmas) : of_images<float>(y, sigmas));
  record.metadata["field"] = field_.name;
  record.metadata["model"] = model_metadata(model_->info());
  record.metadata["noise.removed"] = known_noise(record, measurement_.sigma);
  record.metadata.erase("noise");
}

void convert_field_of_samples(Record& record, const FieldEntry* from, const FieldEntry& to,
                              const Measurement& measurement) {
  if (from == nullptr) {
    const std::string name = record.meta("field");
    if (name.empty()) throw DataError("what is data? Metadata \"field\" is absent: give --from");
    from = &require_entry<DataError>(fields(), name, "field");
  }
  const Tensor& data = record.require("data");
  const Tensor* noisy = record.find("noisy");
  if (noisy == nullptr)
    throw DataError("conversions need the noisy sample as the companion noisy (score and denoise --keep-noisy)");
  if (noisy->shape() != data.shape())
    throw DataError("noisy has shape " + shape_text(noisy->shape()) + ", data " + shape_text(data.shape()));
  const auto sigmas =
      sigmas_of_samples(record, measurement.sigma, record.meta("noise.removed").empty() ? "noise" : "noise.removed");
  Tensor result = float_type(data.dtype()) == DType::F64
                      ? converted_field<double>(*from, to, measurement.alpha, sigmas, *noisy, data)
                      : converted_field<float>(*from, to, measurement.alpha, sigmas, *noisy, data);
  record.tensors["data"] = std::move(result);
  record.metadata["field"] = to.name;
}

std::vector<double> log_densities_of_samples(const Record& record, const Model& model, const Measurement& measurement) {
  check_fits(model.info(), sample_axes(record), sample_shape(record));
  if (sample_shape(record) != model.info().shape)
    throw DataError("the model is a law of patches " + shape_text(model.info().shape) +
                    "; it gives no density of samples " + shape_text(sample_shape(record)));
  const Tensor& data = record.require("data");
  const auto sigmas = sigmas_of_samples(record, measurement.sigma);
  return float_type(data.dtype()) == DType::F64 ? log_densities_of<double>(data, model, measurement.alpha, sigmas)
                                                : log_densities_of<float>(data, model, measurement.alpha, sigmas);
}

}  // namespace noiseutils

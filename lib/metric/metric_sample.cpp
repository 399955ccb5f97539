#include "metric/metric_sample.hpp"

#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace noiseutils {
namespace {

void check_shape(const Tensor& data, const Tensor& other, const std::string& name) {
  if (data.shape() != other.shape())
    throw DataError("data has shape " + shape_text(data.shape()) + ", " + name + " " + shape_text(other.shape()));
}

std::string reference_name(std::size_t i) { return "reference." + std::to_string(i + 1); }

bool same_values(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

}  // namespace

MetricSample::MetricSample(MetricSampleParts parts) : parts_(std::move(parts)) {
  bool all_float = true;
  const auto each = [&](auto&& work) {
    work("data", parts_.data);
    if (parts_.clean) work("clean", *parts_.clean);
    if (parts_.noisy) work("noisy", *parts_.noisy);
    for (std::size_t i = 0; i < parts_.references.size(); ++i) work(reference_name(i), parts_.references[i]);
  };
  each([&](const std::string& name, const Tensor& tensor) {
    check_shape(parts_.data, tensor, name);
    all_float = all_float && tensor.dtype() == DType::F32;
  });
  if (!all_float) each([](const std::string&, Tensor& tensor) { tensor = tensor.converted(DType::F64); });
}

const Tensor& MetricSample::clean() const {
  if (!parts_.clean)
    throw DataError("has no clean sample to compare with: carry it along by noise --keep-clean, or give --reference");
  return *parts_.clean;
}

const Tensor& MetricSample::noisy() const {
  if (!parts_.noisy)
    throw DataError("has no noisy sample that data was estimated from: keep it by denoise --keep-noisy");
  return *parts_.noisy;
}

Denoiser& MetricSample::denoiser() const {
  if (parts_.denoiser == nullptr) throw UsageError("--model FILE or --denoiser 'CMD' is needed");
  return *parts_.denoiser;
}

double MetricSample::range() const {
  if (!parts_.range)
    throw DataError("the range of the data is unknown (no metadata \"range\" or \"source\"): give --range R");
  return *parts_.range;
}

std::string MetricSample::nonfinite() const {
  const auto of = [](const std::string& name, const Tensor& tensor) {
    const std::int64_t element = first_nonfinite(tensor);
    return element < 0 ? "" : name + " is not finite at element " + std::to_string(element);
  };
  std::string found = of("data", parts_.data);
  if (found.empty() && parts_.clean) found = of("clean", *parts_.clean);
  if (found.empty() && parts_.noisy) found = of("noisy", *parts_.noisy);
  for (std::size_t i = 0; i < parts_.references.size() && found.empty(); ++i)
    found = of(reference_name(i), parts_.references[i]);
  return found;
}

double MetricSample::squared_error() const {
  if (!squared_error_) squared_error_ = sum_of_squared_differences(parts_.data, clean());
  return *squared_error_;
}

const UnsupervisedSums& MetricSample::unsupervised() const {
  if (unsupervised_) return *unsupervised_;
  if (parts_.references.size() < 3)
    throw DataError("needs three noisy references besides data, has " + std::to_string(parts_.references.size()) +
                    ": make them by noise --copies 4, or give --reference three times");
  for (std::size_t i = 0; i < 3; ++i) {
    if (same_values(parts_.references[i], parts_.data))
      throw DataError(reference_name(i) + " equals data: a reference must be a measurement of its own");
    for (std::size_t k = 0; k < i; ++k)
      if (same_values(parts_.references[i], parts_.references[k]))
        throw DataError(reference_name(k) + " and " + reference_name(i) +
                        " are equal: references must be measurements of their own");
  }
  unsupervised_ = unsupervised_sums(parts_.data, parts_.references[0], parts_.references[1], parts_.references[2]);
  return *unsupervised_;
}

}  // namespace noiseutils

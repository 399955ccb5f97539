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

}  // namespace

bool same_values(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

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

const Tensor& MetricSample::clean_or_capture() const {
  if (parts_.clean || parts_.references.empty()) return clean();
  if (same_values(parts_.data, parts_.references.front()))
    throw DataError(reference_name(0) + " equals data: a reference must be a measurement of its own");
  return parts_.references.front();
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

const MetricSample::Unsupervised& MetricSample::unsupervised(UnsupervisedForm form, std::int64_t side) const {
  for (const Unsupervised& known : unsupervised_)
    if (known.form == form && known.asked_side == side) return known;
  std::vector<Tensor> taken = parts_.references;
  const bool three = form == UnsupervisedForm::three;
  if (taken.size() < (three ? 3 : 2))
    throw DataError("needs " + std::string(three ? "three" : "two") + " noisy references besides data, has " +
                    std::to_string(taken.size()) + ": make them by noise --copies " + (three ? "4" : "3") +
                    ", or give --reference " + (three ? "three times" : "twice or more"));
  if (three) taken.resize(3);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (same_values(taken[i], parts_.data))
      throw DataError(reference_name(i) + " equals data: a reference must be a measurement of its own");
    for (std::size_t k = 0; k < i; ++k)
      if (same_values(taken[i], taken[k]))
        throw DataError(reference_name(k) + " and " + reference_name(i) +
                        " are equal: references must be measurements of their own");
  }
  Unsupervised result{form, side, unsupervised_blocks(form, parts_.data, taken, side), {}};
  result.checks = check_references(form, parts_.data, taken, result.blocks.side, parts_.subsampled);
  unsupervised_.push_back(std::move(result));
  return unsupervised_.back();
}

std::vector<MetricSample> MetricSample::frames() const {
  std::vector<MetricSample> result;
  for (std::int64_t t = 0; t < parts_.data.axis(0); ++t) {
    MetricSampleParts parts;
    parts.axes = parts_.axes.substr(1);
    parts.data = parts_.data.at(t);
    if (parts_.clean) parts.clean = parts_.clean->at(t);
    for (const Tensor& reference : parts_.references) parts.references.push_back(reference.at(t));
    parts.range = parts_.range;
    parts.index = parts_.index;
    parts.shares_references = parts_.shares_references;
    parts.subsampled = parts_.subsampled;
    result.emplace_back(std::move(parts));
  }
  return result;
}

}  // namespace noiseutils

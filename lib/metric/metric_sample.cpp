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

MetricSample::MetricSample(std::string axes, Tensor data, std::optional<Tensor> clean, std::vector<Tensor> references,
                           std::optional<double> range)
    : axes_(std::move(axes)),
      data_(std::move(data)),
      clean_(std::move(clean)),
      references_(std::move(references)),
      range_(range) {
  bool all_float = data_.dtype() == DType::F32;
  if (clean_) {
    check_shape(data_, *clean_, "clean");
    all_float = all_float && clean_->dtype() == DType::F32;
  }
  for (std::size_t i = 0; i < references_.size(); ++i) {
    check_shape(data_, references_[i], reference_name(i));
    all_float = all_float && references_[i].dtype() == DType::F32;
  }
  if (all_float) return;
  data_ = data_.converted(DType::F64);
  if (clean_) clean_ = clean_->converted(DType::F64);
  for (Tensor& reference : references_) reference = reference.converted(DType::F64);
}

const Tensor& MetricSample::clean() const {
  if (!clean_)
    throw DataError("has no clean sample to compare with: carry it along by noise --keep-clean, or give --reference");
  return *clean_;
}

double MetricSample::range() const {
  if (!range_)
    throw DataError("the range of the data is unknown (no metadata \"range\" or \"source\"): give --range R");
  return *range_;
}

std::string MetricSample::nonfinite() const {
  const auto of = [](const std::string& name, const Tensor& tensor) {
    const std::int64_t element = first_nonfinite(tensor);
    return element < 0 ? "" : name + " is not finite at element " + std::to_string(element);
  };
  std::string found = of("data", data_);
  if (found.empty() && clean_) found = of("clean", *clean_);
  for (std::size_t i = 0; i < references_.size() && found.empty(); ++i) found = of(reference_name(i), references_[i]);
  return found;
}

double MetricSample::squared_error() const {
  if (!squared_error_) squared_error_ = sum_of_squared_differences(data_, clean());
  return *squared_error_;
}

const UnsupervisedSums& MetricSample::unsupervised() const {
  if (unsupervised_) return *unsupervised_;
  if (references_.size() < 3)
    throw DataError("needs three noisy references besides data, has " + std::to_string(references_.size()) +
                    ": make them by noise --copies 4, or give --reference three times");
  for (std::size_t i = 0; i < 3; ++i) {
    if (same_values(references_[i], data_))
      throw DataError(reference_name(i) + " equals data: a reference must be a measurement of its own");
    for (std::size_t k = 0; k < i; ++k)
      if (same_values(references_[i], references_[k]))
        throw DataError(reference_name(k) + " and " + reference_name(i) +
                        " are equal: references must be measurements of their own");
  }
  unsupervised_ = unsupervised_sums(data_, references_[0], references_[1], references_[2]);
  return *unsupervised_;
}

}  // namespace noiseutils

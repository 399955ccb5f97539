#include "metric/sample_set.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace noiseutils {

void SampleSet::add(const Record& record) {
  const std::int64_t samples = sample_count(record);
  const auto ids = sample_ids(record, count_);
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::string who = "sample " + ids[static_cast<std::size_t>(i)];
    const Tensor sample = sample_of(record, "data", i);
    if (count_ == 0) {
      shape_ = sample.shape();
      rows_.dim = sample.size();
      if (rows_.dim == 0) throw DataError(who + ": data has shape " + shape_text(shape_) + ": an axis of size 0");
    }
    if (sample.shape() != shape_)
      throw DataError(who + " has shape " + shape_text(sample.shape()) + ", the first sample has " +
                      shape_text(shape_));
    if (const std::int64_t element = first_nonfinite(sample); element >= 0)
      throw DataError(who + ": data is not finite at element " + std::to_string(element));
    const Tensor converted = sample.converted(DType::F64);
    const auto values = converted.values<double>();
    if (!keep_rows_ && !moments_ && count_ == rows_.dim) {
      moments_.emplace(rows_.dim);
      moments_->add(0, rows_.values);
      rows_.values = {};
    }
    if (moments_)
      moments_->add(count_, values);
    else
      rows_.values.insert(rows_.values.end(), values.begin(), values.end());
    rows_.count = ++count_;
  }
}

const SampleRows& SampleSet::rows() const {
  if (!keep_rows_) throw InternalError("the samples of " + name_ + " were not kept");
  return rows_;
}

Moments SampleSet::moments() {
  if (!moments_) throw InternalError("the samples of " + name_ + " were kept");
  return moments_->finish();
}

}  // namespace noiseutils

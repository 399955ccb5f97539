#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sample/sample_maker.hpp"

namespace noiseutils {

/// Companions of a batch, read from the starts of the plan and kept as tensors of each sample.
template <class T>
class BatchCompanions {
 public:
  BatchCompanions(const SamplingPlan& plan, const SampleBatch<T>& batch, const Shape& shape)
      : plan_(plan),
        batch_(batch),
        shape_(shape),
        count_(static_cast<std::int64_t>(batch.x.size()) / element_count(shape)) {}

  bool read(const std::string& name, std::span<T> values) const {
    std::vector<double> own(values.size() / static_cast<std::size_t>(count_));
    bool first = false;
    for (std::int64_t v = 0; v < count_; ++v) {
      const bool has = plan_.companion(batch_.first + v, name, own);
      if (v == 0) first = has;
      if (has != first) throw DataError("some starts have a tensor \"" + name + "\", others have none");
      if (!has) continue;
      std::transform(own.begin(), own.end(), values.begin() + v * static_cast<std::int64_t>(own.size()),
                     [](double value) { return static_cast<T>(value); });
    }
    return first;
  }

  void keep(const std::string& name, std::int64_t vectors, std::span<const T> values) const {
    const auto own = static_cast<std::int64_t>(values.size()) / count_;
    Shape shape = shape_;
    if (vectors == 0) shape = {own};
    if (vectors > 1) shape.insert(shape.begin(), vectors);
    for (std::int64_t v = 0; v < count_; ++v) {
      Tensor tensor(sizeof(T) == sizeof(double) ? DType::F64 : DType::F32, shape);
      std::copy_n(values.begin() + v * own, own, tensor.mutable_values<T>().begin());
      (*batch_.companions)[static_cast<std::size_t>(v)].insert_or_assign(name, std::move(tensor));
    }
  }

 private:
  const SamplingPlan& plan_;
  const SampleBatch<T>& batch_;
  Shape shape_;
  std::int64_t count_;
};

}  // namespace noiseutils

#include "sample/start.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {

StartStates::StartStates(const std::string& path) {
  const auto reader = open_records({path}, {});
  while (const auto record = reader->next()) {
    const SamplesOfRecord samples(*record);
    for (std::int64_t i = 0; i < samples.count(); ++i) {
      Record sample = samples.at(i);
      const std::string who = path + ": sample " + std::to_string(count());
      const Tensor& data = sample.require("data");
      if (samples_.empty()) {
        axes_ = axes_of(sample);
        shape_ = data.shape();
      }
      if (data.shape() != shape_)
        throw DataError(who + " has shape " + shape_text(data.shape()) + ", the first has " + shape_text(shape_));
      if (const std::int64_t element = first_nonfinite(data); element >= 0)
        throw DataError(who + ": data is not finite at element " + std::to_string(element));
      samples_.push_back(std::move(sample));
    }
  }
  if (samples_.empty()) throw DataError(path + ": no samples to start from");
}

void StartStates::copy(std::int64_t i, std::string_view name, std::span<double> x) const {
  const Tensor tensor = sample(i).require(name).converted(DType::F64);
  if (tensor.shape() != shape_)
    throw DataError("start " + std::to_string(i) + ": tensor \"" + std::string(name) + "\" has shape " +
                    shape_text(tensor.shape()) + ", expected " + shape_text(shape_));
  const auto values = tensor.values<double>();
  std::copy(values.begin(), values.end(), x.begin());
}

bool StartStates::companion(std::int64_t i, const std::string& name, std::span<double> values) const {
  const Tensor* found = sample(i).find(name);
  if (found == nullptr) return false;
  const std::string who = "start " + std::to_string(i) + ": tensor \"" + name + "\"";
  if (found->size() != static_cast<std::int64_t>(values.size()))
    throw DataError(who + " has " + std::to_string(found->size()) + " elements, these steps take " +
                    std::to_string(values.size()));
  const Tensor tensor = found->converted(DType::F64);
  if (first_nonfinite(tensor) >= 0) throw DataError(who + " is not finite");
  const auto all = tensor.values<double>();
  std::copy(all.begin(), all.end(), values.begin());
  return true;
}

}  // namespace noiseutils

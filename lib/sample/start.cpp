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
  const Record& sample = samples_[count() == 1 ? 0 : static_cast<std::size_t>(i)];
  const Tensor tensor = sample.require(name).converted(DType::F64);
  if (tensor.shape() != shape_)
    throw DataError("start " + std::to_string(i) + ": tensor \"" + std::string(name) + "\" has shape " +
                    shape_text(tensor.shape()) + ", expected " + shape_text(shape_));
  const auto values = tensor.values<double>();
  std::copy(values.begin(), values.end(), x.begin());
}

}  // namespace noiseutils

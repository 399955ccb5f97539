#include "score/jacobian_samples.hpp"

#include "noise/noise_level.hpp"
#include "tensor/repeated.hpp"

namespace noiseutils {
namespace {

template <class T>
void write_values(Tensor& tensor, std::int64_t first, std::span<const double> values) {
  const auto to = tensor.mutable_values<T>().subspan(static_cast<std::size_t>(first), values.size());
  std::transform(values.begin(), values.end(), to.begin(), [](double value) { return static_cast<T>(value); });
}

}  // namespace

DirectionRecord::DirectionRecord(const Record& noisy, std::int64_t count, const std::string& field,
                                 std::int64_t first_number)
    : record_(repeated_samples(noisy, count, first_number)),
      count_(count),
      samples_(sample_count(noisy)),
      batch_(count > 1 || is_batch(noisy)) {
  Shape shape = sample_shape(noisy);
  if (batch_) shape.insert(shape.begin(), samples_ * count_);
  record_.tensors["data"] = Tensor(noisy.require("data").dtype() == DType::F64 ? DType::F64 : DType::F32, shape);
  record_.metadata["directions"] = std::to_string(count);
  record_.metadata["field"] = field;
  if (const auto noise = record_.metadata.extract("noise")) record_.metadata["noise.removed"] = noise.mapped();
}

void DirectionRecord::put_vectors(std::int64_t i, std::span<const double> vectors) {
  Tensor& data = record_.tensors.at("data");
  const std::int64_t first = i * static_cast<std::int64_t>(vectors.size());
  if (data.dtype() == DType::F64)
    write_values<double>(data, first, vectors);
  else
    write_values<float>(data, first, vectors);
}

void DirectionRecord::declare(const std::string& name, std::int64_t n) {
  Shape shape;
  if (batch_) shape.push_back(samples_ * count_);
  if (n > 0) shape.push_back(n);
  record_.tensors[name] = Tensor(DType::F64, shape);
}

void DirectionRecord::declare_search() {
  declare("iterations");
  declare("change");
}

void DirectionRecord::put_search(std::int64_t i, std::int64_t iterations, double change) {
  const auto count = static_cast<std::size_t>(count_);
  put("iterations", i, std::vector<double>(count, static_cast<double>(iterations)));
  put("change", i, std::vector<double>(count, change));
}

void DirectionRecord::put(const std::string& name, std::int64_t i, std::span<const double> values) {
  write_values<double>(record_.tensors.at(name), i * static_cast<std::int64_t>(values.size()), values);
}

}  // namespace noiseutils

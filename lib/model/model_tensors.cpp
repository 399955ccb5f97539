#include "model/model_tensors.hpp"

#include "base/error.hpp"

namespace noiseutils {

std::vector<double> require_values(const Record& record, const std::string& name, const Shape& shape) {
  const Tensor& tensor = record.require(name);
  if (tensor.shape() != shape)
    throw DataError("tensor \"" + name + "\" has shape " + shape_text(tensor.shape()) + ", expected " +
                    shape_text(shape));
  require_finite(tensor, name);
  const Tensor values = tensor.converted(DType::F64);
  return {values.values<double>().begin(), values.values<double>().end()};
}

void require_finite(const Tensor& tensor, const std::string& name) {
  if (!is_float(tensor.dtype()))
    throw DataError("tensor \"" + name + "\" is of type " + std::string(dtype_name(tensor.dtype())) +
                    ", expected a floating type");
  if (const std::int64_t bad = first_nonfinite(tensor); bad >= 0)
    throw DataError("tensor \"" + name + "\" is not finite at element " + std::to_string(bad));
}

}  // namespace noiseutils

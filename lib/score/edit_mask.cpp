#include "score/edit_mask.hpp"

#include "base/error.hpp"

namespace noiseutils {

std::vector<double> edit_mask(const Record& record, const std::string& axes, const Shape& shape) {
  Tensor mask = record.require("data").converted(DType::F64);
  if (first_nonfinite(mask) >= 0)
    throw DataError("is not finite everywhere: a mask is 0 where nothing is to change, and another number elsewhere");
  if (mask.rank() == shape.size() + 1 && mask.axis(0) == 1) mask = mask.at(0);
  const bool of_planes = axes == "CHW" && mask.rank() == 2 && mask.axis(0) == shape[1] && mask.axis(1) == shape[2];
  if (mask.shape() != shape && !of_planes)
    throw DataError("has shape " + shape_text(mask.shape()) + ", the samples have " + shape_text(shape));
  std::vector<double> values;
  for (std::int64_t times = of_planes ? shape[0] : 1; times > 0; --times)
    values.insert(values.end(), mask.values<double>().begin(), mask.values<double>().end());
  return values;
}

}  // namespace noiseutils

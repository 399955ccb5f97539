#include "metric/planes.hpp"

#include "base/error.hpp"

namespace noiseutils {

Planes planes_of(const MetricSample& sample) {
  const Shape& shape = sample.data().shape();
  Planes planes;
  if (!shape.empty()) planes.width = shape.back();
  if (sample.axes().ends_with("HW")) planes.height = shape[shape.size() - 2];
  planes.count = sample.data().size() / (planes.height * planes.width);
  return planes;
}

Planes image_planes_of(const MetricSample& sample, const char* metric, std::int64_t smallest) {
  if (!sample.axes().ends_with("HW"))
    throw DataError(std::string(metric) + " needs images: the axes of a sample are \"" + sample.axes() +
                    "\", expected to end in HW (--axes)");
  const Planes planes = planes_of(sample);
  if (planes.height < smallest || planes.width < smallest)
    throw DataError(std::string(metric) + " needs images of at least " + std::to_string(smallest) + " x " +
                    std::to_string(smallest) + " pixels, data has shape " + shape_text(sample.data().shape()));
  return planes;
}

std::vector<double> error_of(const MetricSample& sample) {
  const Tensor data = sample.data().converted(DType::F64), clean = sample.clean().converted(DType::F64);
  const auto f = data.values<double>(), x = clean.values<double>();
  std::vector<double> error(f.size());
  for (std::size_t i = 0; i < error.size(); ++i) error[i] = f[i] - x[i];
  return error;
}

}  // namespace noiseutils

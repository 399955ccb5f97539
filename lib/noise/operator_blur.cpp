#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/periodic_blur.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr double kLargestSigma = 100;

/// Samples of exp(-(x^2 + y^2) / (2 sigma^2)) with sum 1, to where they fall below 1e-17 of the centre. The transfer
/// function is exp(-2 pi^2 sigma^2 |f|^2), f in cycles a pixel, summed over its repetitions at whole f.
BlurKernel gaussian_kernel(double sigma) {
  const auto radius = static_cast<std::int64_t>(std::ceil(9 * sigma));
  std::vector<double> line;
  double sum = 0;
  for (std::int64_t x = -radius; x <= radius; ++x) {
    const double z = static_cast<double>(x) / sigma;
    line.push_back(portable::exp(-0.5 * z * z));
    sum += line.back();
  }
  BlurKernel kernel{2 * radius + 1, 2 * radius + 1, radius, radius, {}};
  for (const double row : line)
    for (const double column : line) kernel.values.push_back(row / sum * (column / sum));
  return kernel;
}

BlurKernel kernel_of_file(const OperatorFile& file) {
  if (file.values.rank() != 2)
    throw DataError(file.name + ": a kernel has two axes, this has shape " + shape_text(file.values.shape()));
  const Tensor values = file.values.converted(DType::F64);
  const std::int64_t height = file.values.axis(0), width = file.values.axis(1);
  BlurKernel kernel{height, width, height / 2, width / 2, {}};
  double sum = 0, size = 0;
  for (const double value : values.values<double>()) {
    sum += value;
    size += std::abs(value);
  }
  if (std::abs(sum) <= 1e-9 * size)
    throw DataError(file.name + ": the kernel has sum 0, so it cannot be brought to sum 1");
  for (const double value : values.values<double>()) kernel.values.push_back(value / sum);
  return kernel;
}

OperatorRecipe parse_blur(const std::string& argument, const Tensor* travelled) {
  BlurKernel kernel;
  std::optional<OperatorFile> file;
  if (travelled == nullptr && looks_like_number(argument)) {
    const double sigma = parse_number(argument);
    if (sigma <= 0 || sigma > kLargestSigma)
      throw UsageError("expected SIGMA in pixels, above 0 and at most " + format_number(kLargestSigma));
    kernel = gaussian_kernel(sigma);
  } else {
    file = operator_file(argument, travelled);
    kernel = kernel_of_file(*file);
  }
  return {[kernel](const SampleLayout& sample, const StreamKey&) { return periodic_blur(sample, kernel); }, false,
          file};
}

}  // namespace

OperatorKind blur_operator() {
  return {"blur", "blur:SIGMA or blur:FILE", "periodic blur, Gaussian or by a kernel", true, parse_blur};
}

}  // namespace noiseutils

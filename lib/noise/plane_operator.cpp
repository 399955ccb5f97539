#include "noise/plane_operator.hpp"

#include <utility>

#include "base/error.hpp"
#include "noise/parallel_items.hpp"

namespace noiseutils {

ImageLayout image_layout(const SampleLayout& sample) {
  if (!sample.axes.ends_with("HW"))
    throw DataError("works on images, whose axes end in HW; this sample is " + sample.axes + " " +
                    shape_text(sample.shape));
  const std::size_t rank = sample.shape.size();
  const std::int64_t height = sample.shape[rank - 2], width = sample.shape[rank - 1];
  return {sample.size() / (height * width), height, width};
}

SampleLayout resized(SampleLayout sample, std::int64_t height, std::int64_t width) {
  const std::size_t rank = sample.shape.size();
  sample.shape[rank - 2] = height;
  sample.shape[rank - 1] = width;
  return sample;
}

SampleLayout reduced(const SampleLayout& sample, std::int64_t factor) {
  const ImageLayout image = image_layout(sample);
  for (const auto& [side, size] : {std::pair("height", image.height), std::pair("width", image.width)})
    if (size % factor != 0)
      throw DataError("the image's " + std::string(side) + " of " + std::to_string(size) + " is no multiple of " +
                      std::to_string(factor));
  return resized(sample, image.height / factor, image.width / factor);
}

PlaneOperator::PlaneOperator(SampleLayout input, SampleLayout output)
    : Operator(std::move(input), std::move(output)), image_(image_layout(this->input())) {}

void PlaneOperator::each_plane(std::span<const double> from, std::span<double> to,
                               const std::function<void(const double*, double*)>& work) const {
  const std::int64_t planes = image_.planes;
  const std::int64_t step_from = static_cast<std::int64_t>(from.size()) / planes;
  const std::int64_t step_to = static_cast<std::int64_t>(to.size()) / planes;
  parallel_items(planes, image_.pixels(),
                 [&](std::int64_t p) { work(from.data() + p * step_from, to.data() + p * step_to); });
}

void PlaneOperator::apply(std::span<const double> x, std::span<double> y) const {
  each_plane(x, y, [this](const double* from, double* to) { apply_plane(from, to); });
}

void PlaneOperator::adjoint(std::span<const double> y, std::span<double> x) const {
  each_plane(y, x, [this](const double* from, double* to) { adjoint_plane(from, to); });
}

void PlaneOperator::pseudo_inverse(std::span<const double> y, std::span<double> x) const {
  if (!has_pseudo_inverse()) return Operator::pseudo_inverse(y, x);
  each_plane(y, x, [this](const double* from, double* to) { pseudo_inverse_plane(from, to); });
}

void PlaneOperator::pseudo_inverse_plane(const double*, double*) const {
  throw InternalError("an operator without pseudo-inverse was asked for it");
}

}  // namespace noiseutils

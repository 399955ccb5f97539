#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/mask_operator.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/plane_operator.hpp"

namespace noiseutils {
namespace {

struct Box {
  std::int64_t top, left, height, width;
};

std::shared_ptr<const Operator> lose_box(const Box& box, const SampleLayout& sample) {
  const ImageLayout image = image_layout(sample);
  if (box.top + box.height > image.height || box.left + box.width > image.width)
    throw DataError("the box reaches beyond the image of " + std::to_string(image.height) + " rows and " +
                    std::to_string(image.width) + " columns");
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(sample.size()), 1);
  for (std::int64_t plane = 0; plane < image.planes; ++plane)
    for (std::int64_t y = box.top; y < box.top + box.height; ++y)
      for (std::int64_t x = box.left; x < box.left + box.width; ++x)
        kept[static_cast<std::size_t>((plane * image.height + y) * image.width + x)] = 0;
  return masking(sample, std::move(kept));
}

OperatorRecipe parse_box(const std::string& argument, const Tensor*) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  const std::vector<std::string> fields = split_list(argument);
  if (fields.size() != 4) throw UsageError("expected TOP,LEFT,HEIGHT,WIDTH, 4 numbers");
  const Box box{whole_number(fields[0], "TOP", 0, kMost), whole_number(fields[1], "LEFT", 0, kMost),
                whole_number(fields[2], "HEIGHT", 1, kMost), whole_number(fields[3], "WIDTH", 1, kMost)};
  return {[box](const SampleLayout& sample, const StreamKey&) { return lose_box(box, sample); }};
}

}  // namespace

OperatorKind box_operator() {
  return {"box", "box:TOP,LEFT,HEIGHT,WIDTH", "lose the pixels of a box", true, parse_box};
}

}  // namespace noiseutils

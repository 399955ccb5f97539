#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// Reads pieces of rows of an image of any type as Real: in place where it is of that type, else converted. So an image
/// in a mapped file is never held whole.
template <class Real>
class ImagePlanes {
 public:
  /// image: HW or CHW, seen as C x H x W.
  ImagePlanes(const Tensor& image, std::int64_t height, std::int64_t width)
      : flat_(image.reshaped({image.size()})), height_(height), width_(width) {}

  /// True if row() returns memory of the image itself and needs no scratch.
  bool in_place() const { return flat_.dtype() == DTypeOf<Real>::value; }

  /// `count` pixels of `row` of channel `channel` from column `column` on; `scratch` has room for them.
  const Real* row(std::int64_t channel, std::int64_t row, std::int64_t column, std::int64_t count,
                  Real* scratch) const {
    const std::int64_t first = (channel * height_ + row) * width_ + column;
    if (in_place()) return flat_.values<Real>().data() + first;
    const Tensor piece = flat_.slice(first, count).converted(DTypeOf<Real>::value);
    const auto values = piece.values<Real>();
    std::copy(values.begin(), values.end(), scratch);
    return scratch;
  }

 private:
  Tensor flat_;
  std::int64_t height_, width_;
};

}  // namespace noiseutils

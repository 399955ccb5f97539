#include "model/patch_geometry.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace noiseutils {

PatchGeometry patch_geometry(const std::string& axes, const Shape& shape, std::int64_t patch, std::int64_t stride) {
  if (axes != "HW" && axes != "CHW")
    throw DataError("patches need images with axes HW or CHW; this sample has axes " + (axes.empty() ? "none" : axes) +
                    " and shape " + shape_text(shape));
  const std::size_t first = axes.size() - 2;
  const PatchGeometry geometry{axes == "CHW" ? shape[0] : 1, shape[first], shape[first + 1], patch, stride};
  if (geometry.rows() < 1 || geometry.cols() < 1)
    throw DataError("an image of " + std::to_string(geometry.height) + " x " + std::to_string(geometry.width) +
                    " pixels is smaller than a patch of " + std::to_string(patch) + " x " + std::to_string(patch) +
                    (stride > 1 ? " at every " + std::to_string(stride) + "th pixel" : ""));
  return geometry;
}

template <class T>
void gather_patches(const PatchGeometry& geometry, std::span<const T> image, std::int64_t first, std::span<T> out) {
  const std::int64_t count = static_cast<std::int64_t>(out.size()) / geometry.dim(), edge = geometry.patch;
  T* to = out.data();
  for (std::int64_t p = first; p < first + count; ++p) {
    const T* corner = image.data() + p / geometry.cols() * geometry.width + p % geometry.cols();
    for (std::int64_t c = 0; c < geometry.channels; ++c)
      for (std::int64_t y = 0; y < edge; ++y, to += edge) {
        const T* const row = corner + (c * geometry.height + y * geometry.stride) * geometry.width;
        if (geometry.stride == 1)
          std::copy_n(row, edge, to);
        else
          for (std::int64_t x = 0; x < edge; ++x) to[x] = row[x * geometry.stride];
      }
  }
}

template void gather_patches<float>(const PatchGeometry&, std::span<const float>, std::int64_t, std::span<float>);
template void gather_patches<double>(const PatchGeometry&, std::span<const double>, std::int64_t, std::span<double>);

}  // namespace noiseutils

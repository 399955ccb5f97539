#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// All overlapping PxP patches of an image of C channels, HxW pixels each (row-major CHW). A patch is a vector of
/// C*P*P elements, again in the order CHW; patch number row * cols() + col has its upper left pixel at (row, col).
/// With a stride its pixels are that far apart: the patches of all sub-images y[i::stride, j::stride].
struct PatchGeometry {
  std::int64_t channels = 1, height = 0, width = 0, patch = 8, stride = 1;

  std::int64_t dim() const { return channels * patch * patch; }
  std::int64_t rows() const { return height - (patch - 1) * stride; }
  std::int64_t cols() const { return width - (patch - 1) * stride; }
  std::int64_t count() const { return rows() * cols(); }
};

/// The patches of samples with these axes (HW or CHW). DataError if they are no image or smaller than P x P.
PatchGeometry patch_geometry(const std::string& axes, const Shape& shape, std::int64_t patch, std::int64_t stride = 1);

/// Copies patches first ... first + out.size() / dim() - 1 one after the other.
template <class T>
void gather_patches(const PatchGeometry& geometry, std::span<const T> image, std::int64_t first, std::span<T> out);

}  // namespace noiseutils

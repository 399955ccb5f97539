#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// A plane of floats, row-major, with a margin of kMargin pixels on every side.
struct PaddedPlane {
  static constexpr std::int64_t kMargin = 16;

  std::int64_t height = 0, width = 0;  ///< without the margin
  std::vector<float> values;           ///< all zero at first

  PaddedPlane() = default;
  PaddedPlane(std::int64_t rows, std::int64_t columns)
      : height(rows), width(columns), values(static_cast<std::size_t>((rows + 2 * kMargin) * stride())) {}
  std::int64_t stride() const { return width + 2 * kMargin; }
  /// Pixel 0 of row r, -kMargin <= r < height + kMargin; the margin lies before it and behind.
  float* row(std::int64_t r) { return values.data() + (r + kMargin) * stride() + kMargin; }
  const float* row(std::int64_t r) const { return values.data() + (r + kMargin) * stride() + kMargin; }
};

/// The pixel of an axis of n pixels that is seen at place i, however far outside: mirrored at the centres of the first
/// and the last one (... 2 1 0 1 2 ... n-1 n-2 ...).
std::int64_t reflected_place(std::int64_t i, std::int64_t n);

/// Fills the margin with the image mirrored.
void reflect_margin(PaddedPlane& plane);

/// `image`, height x width, with its mirrored margin.
PaddedPlane padded(std::span<const float> image, std::int64_t height, std::int64_t width);

}  // namespace noiseutils

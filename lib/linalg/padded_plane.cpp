#include "linalg/padded_plane.hpp"

#include <algorithm>

namespace noiseutils {

std::int64_t reflected_place(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  const std::int64_t place = ((i % period) + period) % period;
  return place < n ? place : period - place;
}

void reflect_margin(PaddedPlane& plane) {
  constexpr std::int64_t margin = PaddedPlane::kMargin;
  for (std::int64_t r = 0; r < plane.height; ++r) {
    float* row = plane.row(r);
    for (std::int64_t c = 1; c <= margin; ++c) {
      row[-c] = row[reflected_place(-c, plane.width)];
      row[plane.width - 1 + c] = row[reflected_place(plane.width - 1 + c, plane.width)];
    }
  }
  const auto copy = [&](std::int64_t from, std::int64_t to) {
    std::copy_n(plane.row(from) - margin, plane.stride(), plane.row(to) - margin);
  };
  for (std::int64_t r = 1; r <= margin; ++r) {
    copy(reflected_place(-r, plane.height), -r);
    copy(reflected_place(plane.height - 1 + r, plane.height), plane.height - 1 + r);
  }
}

PaddedPlane padded(std::span<const float> image, std::int64_t height, std::int64_t width) {
  PaddedPlane plane(height, width);
  for (std::int64_t r = 0; r < height; ++r) std::copy_n(image.data() + r * width, width, plane.row(r));
  reflect_margin(plane);
  return plane;
}

}  // namespace noiseutils

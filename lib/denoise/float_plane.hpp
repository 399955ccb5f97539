#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// One channel of an image in single precision, row-major.
struct FloatPlane {
  std::int64_t height = 0, width = 0;
  std::vector<float> values;

  FloatPlane() = default;
  FloatPlane(std::int64_t rows, std::int64_t columns)
      : height(rows), width(columns), values(static_cast<std::size_t>(rows * columns)) {}
  float* row(std::int64_t r) { return values.data() + r * width; }
  const float* row(std::int64_t r) const { return values.data() + r * width; }
};

}  // namespace noiseutils

#include "denoise/multiscale.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "denoise/group_kernels.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlockRows = 32;

/// Row-major, with room for whole vectors and a leading dimension that is no power of two.
struct Matrix {
  std::int64_t rows, columns, leading;
  std::vector<float> values;

  Matrix(std::int64_t m, std::int64_t n)
      : rows(m),
        columns(n),
        leading((n + kGroupLanes - 1) / kGroupLanes * kGroupLanes + kGroupLanes),
        values(static_cast<std::size_t>(m * leading)) {}
  explicit Matrix(const FloatPlane& plane) : Matrix(plane.height, plane.width) {
    for (std::int64_t r = 0; r < rows; ++r) std::copy_n(plane.row(r), columns, row(r));
  }
  float* row(std::int64_t r) { return values.data() + r * leading; }
  const float* row(std::int64_t r) const { return values.data() + r * leading; }
  Matrix transposed() const {
    Matrix result(columns, rows);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) result.row(c)[r] = row(r)[c];
    return result;
  }
};

/// a b
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result(a.rows, b.columns);
  const GroupKernels& kernels = group_kernels();
  parallel_blocks((a.rows + kBlockRows - 1) / kBlockRows, [&](std::int64_t block) {
    const std::int64_t first = block * kBlockRows;
    kernels.product(std::min(kBlockRows, a.rows - first), b.columns, a.columns, a.row(first), a.leading, 1, b.row(0),
                    b.leading, result.row(first), result.leading);
  });
  return result;
}

/// The first `count` basis vectors of the orthonormal DCT-II of `size` values, a row each:
///   sqrt((k = 0 ? 1 : 2) / size) cos(pi (2 i + 1) k / (2 size))
Matrix dct(std::int64_t count, std::int64_t size) {
  std::vector<double> cosines(static_cast<std::size_t>(4 * size));
  for (std::int64_t i = 0; i < 4 * size; ++i)
    cosines[static_cast<std::size_t>(i)] =
        portable::sincos_of_turns(static_cast<double>(i) / static_cast<double>(4 * size)).cos;
  Matrix basis(count, size);
  for (std::int64_t k = 0; k < count; ++k) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(size));
    for (std::int64_t i = 0; i < size; ++i)
      basis.row(k)[i] = static_cast<float>(scale * cosines[static_cast<std::size_t>((2 * i + 1) * k % (4 * size))]);
  }
  return basis;
}

/// The first rows x columns coefficients of an image.
Matrix low_coefficients(const FloatPlane& image, std::int64_t rows, std::int64_t columns) {
  return product(product(dct(rows, image.height), Matrix(image)), dct(columns, image.width).transposed());
}

/// The image of height x width pixels that has these coefficients, and no others.
Matrix image_of(const Matrix& coefficients, std::int64_t height, std::int64_t width) {
  return product(dct(coefficients.rows, height).transposed(), product(coefficients, dct(coefficients.columns, width)));
}

}  // namespace

FloatPlane half_size(const FloatPlane& image) {
  const std::int64_t height = image.height / 2, width = image.width / 2;
  const Matrix values = image_of(low_coefficients(image, height, width), height, width);
  FloatPlane half(height, width);
  for (std::int64_t r = 0; r < height; ++r) std::copy_n(values.row(r), width, half.row(r));
  return half;
}

void mix_low_frequencies(FloatPlane& image, const FloatPlane& half, double mix) {
  const std::int64_t rows = half.height / 2, columns = half.width / 2;
  Matrix change = low_coefficients(half, rows, columns);
  const Matrix own = low_coefficients(image, rows, columns);
  for (std::size_t i = 0; i < change.values.size(); ++i)
    change.values[i] = static_cast<float>(mix) * (change.values[i] - own.values[i]);
  const Matrix difference = image_of(change, image.height, image.width);
  for (std::int64_t r = 0; r < image.height; ++r)
    for (std::int64_t c = 0; c < image.width; ++c) image.row(r)[c] += difference.row(r)[c];
}

}  // namespace noiseutils

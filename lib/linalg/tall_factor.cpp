#include "linalg/tall_factor.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kParts = 64;  // of a Gram matrix, added up one after the other: few enough to be held
constexpr std::int64_t kRows = 512;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The inverse transposed of the Cholesky factor of an n x n matrix, upper triangular: F times it has orthonormal
/// columns, each a combination of those up to it, where the matrix is F^T F.
std::vector<double> inverse_cholesky(std::int64_t n, const std::vector<double>& matrix) {
  std::vector<double> upper = matrix;  // R with R^T R = matrix
  for (std::int64_t c = 0; c < n; ++c)
    for (std::int64_t r = 0; r <= c; ++r) {
      double sum = matrix[index(c * n + r)];
      for (std::int64_t k = 0; k < r; ++k) sum -= upper[index(r * n + k)] * upper[index(c * n + k)];
      if (r == c && !(sum > 0)) throw InternalError("eigenvectors of a factor are linearly dependent");
      upper[index(c * n + r)] = r == c ? std::sqrt(sum) : sum / upper[index(r * n + r)];
    }
  std::vector<double> inverse(index(n * n));
  for (std::int64_t c = 0; c < n; ++c)
    for (std::int64_t r = c; r >= 0; --r) {
      double sum = r == c ? 1 : 0;
      for (std::int64_t k = r + 1; k <= c; ++k) sum -= upper[index(k * n + r)] * inverse[index(c * n + k)];
      inverse[index(c * n + r)] = sum / upper[index(r * n + r)];
    }
  return inverse;
}

/// A sign of its own for each column, so that it does not depend on the solver.
void orient(TallFactor& factor) {
  std::vector<double> largest(index(factor.columns));
  for (std::int64_t j = 0; j < factor.dim; ++j)
    for (std::int64_t k = 0; k < factor.columns; ++k) {
      const double value = factor.values[index(j * factor.leading + k)];
      if (std::abs(value) > std::abs(largest[index(k)])) largest[index(k)] = value;
    }
  for (std::int64_t j = 0; j < factor.dim; ++j)
    for (std::int64_t k = 0; k < factor.columns; ++k)
      if (largest[index(k)] < 0) factor.values[index(j * factor.leading + k)] *= -1;
}

}  // namespace

std::vector<double> gram(const TallFactor& factor) {
  const std::int64_t n = factor.columns, rows = std::max(kRows, (factor.dim + kParts - 1) / kParts);
  std::vector<std::vector<double>> parts(index((factor.dim + rows - 1) / rows));
  parallel_blocks(std::ssize(parts), [&](std::int64_t part) {
    parts[index(part)].resize(index(n * n));
    syrk<double>(Op::plain, n, std::min(rows, factor.dim - part * rows), 1.0,
                 factor.values.data() + part * rows * factor.leading, factor.leading, 0.0, parts[index(part)].data(),
                 n);
  });
  std::vector<double> result(index(n * n));
  for (const auto& part : parts)
    for (std::int64_t c = 0; c < n; ++c)
      for (std::int64_t r = 0; r <= c; ++r) result[index(c * n + r)] += part[index(c * n + r)];
  for (std::int64_t c = 0; c < n; ++c)
    for (std::int64_t r = 0; r < c; ++r) result[index(r * n + c)] = result[index(c * n + r)];
  return result;
}

void multiply_right(TallFactor& factor, const std::vector<double>& matrix, std::int64_t kept) {
  parallel_blocks((factor.dim + kRows - 1) / kRows, [&](std::int64_t tile) {
    const std::int64_t rows = std::min(kRows, factor.dim - tile * kRows);
    double* const values = factor.values.data() + tile * kRows * factor.leading;
    std::vector<double> product(index(rows * kept));
    gemm<double>(Op::transposed, Op::plain, kept, rows, factor.columns, 1.0, matrix.data(), factor.columns, values,
                 factor.leading, 0.0, product.data(), kept);
    for (std::int64_t j = 0; j < rows; ++j) std::copy_n(product.data() + j * kept, kept, values + j * factor.leading);
  });
  factor.columns = kept;
}

SmallEigen falling_eigen(std::int64_t n, std::vector<double> matrix) {
  for (const double value : matrix)
    if (!std::isfinite(value))
      throw DataError("the moments are beyond what a number can hold; bring the data to a smaller scale (--scale)");
  SmallEigen result{std::vector<double>(index(n)), std::vector<double>(index(n * n))};
  symmetric_eigen<double>(n, matrix.data(), result.values.data());
  std::reverse(result.values.begin(), result.values.end());
  for (std::int64_t k = 0; k < n; ++k) std::copy_n(matrix.data() + (n - 1 - k) * n, n, result.vectors.data() + k * n);
  return result;
}

std::vector<double> leading_eigenpairs(TallFactor& factor, std::int64_t rank, double least) {
  const std::int64_t n = factor.columns;
  if (n == 0) return {};
  SmallEigen eigen = falling_eigen(n, gram(factor));
  const double rounding = std::max(least, 1e-15 * static_cast<double>(n) * eigen.values.front());
  std::int64_t kept = 0;
  while (kept < std::min(rank, n) && eigen.values[index(kept)] > rounding) ++kept;
  for (std::int64_t k = 0; k < kept; ++k)
    for (std::int64_t i = 0; i < n; ++i) eigen.vectors[index(k * n + i)] /= std::sqrt(eigen.values[index(k)]);
  multiply_right(factor, eigen.vectors, kept);
  if (kept > 0) multiply_right(factor, inverse_cholesky(kept, gram(factor)), kept);
  orient(factor);
  eigen.values.resize(index(kept));
  return eigen.values;
}

}  // namespace noiseutils

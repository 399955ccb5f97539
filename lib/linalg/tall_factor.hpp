#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// A factor F of a positive semidefinite matrix A = F F^T of which only few columns fit into memory: dim x columns
/// numbers, row after row, `leading` apart.
struct TallFactor {
  std::int64_t dim = 0, columns = 0, leading = 0;
  std::vector<double> values;
};

/// F^T F, columns x columns, symmetric. Parallel; the same bits for any number of threads.
std::vector<double> gram(const TallFactor& factor);

/// F = F M in place, M columns x `kept` column-major, kept <= columns; then F has `kept` columns. Parallel.
void multiply_right(TallFactor& factor, const std::vector<double>& matrix, std::int64_t kept);

/// Eigenpairs, falling, of an n x n symmetric matrix; vectors one a column. DataError if it is not finite.
struct SmallEigen {
  std::vector<double> values, vectors;
};
SmallEigen falling_eigen(std::int64_t n, std::vector<double> matrix);

/// The eigenvalues of A that exceed `least`, falling, at most `rank` of them; F becomes their eigenvectors, orthonormal
/// columns, each with its largest element positive. Eigenvalues err by eps times the largest.
/// By the Gram matrix, and a second time for what its rounding leaves of angles.
std::vector<double> leading_eigenpairs(TallFactor& factor, std::int64_t rank, double least);

}  // namespace noiseutils

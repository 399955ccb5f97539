#pragma once

#include <cstdint>

namespace noiseutils {

/// Eigenvectors and eigenvalues, rising, of the symmetric n x n matrix whose upper triangle is in `a` (column-major);
/// `a` becomes the eigenvectors, one a column. With LAPACK and n > 100: tridiagonalisation, divide and conquer, and a
/// back-transformation of our own on all threads; else Eigen's solver. The same bits for any number of threads.
/// Throws DataError for n > 32,000, the limit of LAPACK's 32-bit workspace, InternalError if it does not converge.
template <class T>
void symmetric_eigen(std::int64_t n, T* a, T* eigenvalues);

}  // namespace noiseutils

#include "linalg/symmetric_eigen.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/blas_turn.hpp"

#ifdef NOISEUTILS_OPENBLAS
extern "C" {
void ssytrd_(const char*, const int*, float*, const int*, float*, float*, float*, float*, const int*, int*);
void dsytrd_(const char*, const int*, double*, const int*, double*, double*, double*, double*, const int*, int*);
void sstedc_(const char*, const int*, float*, float*, float*, const int*, float*, const int*, int*, const int*, int*);
void dstedc_(const char*, const int*, double*, double*, double*, const int*, double*, const int*, int*, const int*,
             int*);
}
#endif

namespace noiseutils {
namespace {

constexpr std::int64_t kSmall = 100;      // below it Eigen's solver is as fast as LAPACK's
constexpr std::int64_t kLargest = 32000;  // n^2 + 4 n + 1 words of workspace are counted in an int, with room to spare

template <class T>
void small_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Map<Matrix> matrix(a, n, n);
  const Matrix lower = matrix.transpose();  // Eigen reads the lower triangle
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(lower);
  if (solver.info() != Eigen::Success) throw InternalError("the symmetric eigenvalue solver did not converge");
  matrix = solver.eigenvectors();
  Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(eigenvalues, n) = solver.eigenvalues();
}

#ifdef NOISEUTILS_OPENBLAS

constexpr std::int64_t kReflectors = 192;  // of one block
constexpr std::int64_t kColumns = 512;     // of Z that one thread takes

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr auto tridiagonalise(float) { return ssytrd_; }
constexpr auto tridiagonalise(double) { return dsytrd_; }
constexpr auto divide_and_conquer(float) { return sstedc_; }
constexpr auto divide_and_conquer(double) { return dstedc_; }

/// The inverse of the lower triangular k x k matrix in `lower` (column-major, what is above the diagonal is ignored).
template <class T>
std::vector<T> inverse_of_lower(std::int64_t k, const std::vector<T>& lower) {
  std::vector<T> inverse(index(k * k));
  for (std::int64_t c = 0; c < k; ++c) {
    T* const x = inverse.data() + c * k;
    x[c] = T(1);
    for (std::int64_t r = c; r < k; ++r) {
      x[r] /= lower[index(r * k + r)];
      for (std::int64_t i = r + 1; i < k; ++i) x[i] -= lower[index(r * k + i)] * x[r];
    }
  }
  return inverse;
}

/// Z <- Q Z, Q = H(n-2) ... H(0) the reflectors I - tau v v^T that sytrd leaves in the upper triangle of `a`: v(i) = 1,
/// v(r) = a(r, i+1) above it, 0 below. A block of k of them is I - V T V^T with T lower triangular,
///   T^-1 = strict lower part of V^T V + diag(1 / tau).
/// Source: Schreiber, Van Loan 1989; Puglisi 1992. LAPACK's ormtr takes twice the time, as its blocks have 32 columns.
template <class T>
void back_transform(std::int64_t n, const T* a, const std::vector<T>& tau, T* z) {
  std::vector<T> v, vt, inner(index(kReflectors * kReflectors));
  for (std::int64_t first = 0; first < n - 1; first += kReflectors) {
    const std::int64_t k = std::min(kReflectors, n - 1 - first), rows = first + k;
    v.assign(index(rows * k), T(0));
    vt.resize(v.size());
    for (std::int64_t c = 0; c < k; ++c) {
      if (tau[index(first + c)] == T(0)) continue;  // H = I
      std::copy_n(a + (first + c + 1) * n, first + c, v.data() + c * rows);
      v[index(c * rows + first + c)] = T(1);
    }
    inner.resize(index(k * k));
    gemm<T>(Op::transposed, Op::plain, k, k, rows, T(1), v.data(), rows, v.data(), rows, T(0), inner.data(), k);
    for (std::int64_t c = 0; c < k; ++c) {
      const T factor = tau[index(first + c)];
      inner[index(c * k + c)] = factor == T(0) ? T(1) : T(1) / factor;
    }
    const std::vector<T> t = inverse_of_lower(k, inner);
    gemm<T>(Op::plain, Op::plain, rows, k, k, T(1), v.data(), rows, t.data(), k, T(0), vt.data(), rows);
    parallel_blocks((n + kColumns - 1) / kColumns, [&](std::int64_t block) {
      const std::int64_t column = block * kColumns, columns = std::min(kColumns, n - column);
      std::vector<T> w(index(k * columns));
      gemm<T>(Op::transposed, Op::plain, k, columns, rows, T(1), v.data(), rows, z + column * n, n, T(0), w.data(), k);
      gemm<T>(Op::plain, Op::plain, rows, columns, k, T(-1), vt.data(), rows, w.data(), k, T(1), z + column * n, n);
    });
  }
}

void require_success(int info) {
  if (info != 0)
    throw InternalError("the symmetric eigenvalue solver did not converge (LAPACK info " + std::to_string(info) + ")");
}

template <class T>
void large_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  T largest = 0;
  for (std::int64_t c = 0; c < n; ++c)
    for (std::int64_t r = 0; r <= c; ++r) largest = std::max(largest, std::abs(a[c * n + r]));
  if (largest > T(0))  // far from over- and underflow of squares
    for (std::int64_t i = 0; i < n * n; ++i) a[i] /= largest;
  const int size = static_cast<int>(n);
  std::vector<T> off_diagonal(index(n)), tau(index(n)), z(index(n * n));
  {
    const auto lock = blas_turn();
    int info = 0;
    std::vector<T> work(index(std::max(64 * n, 1 + 4 * n + n * n)));
    const int words = static_cast<int>(work.size());
    tridiagonalise(T())("U", &size, a, &size, eigenvalues, off_diagonal.data(), tau.data(), work.data(), &words, &info);
    require_success(info);
    std::vector<int> integers(index(3 + 5 * n));
    const int integer_words = static_cast<int>(integers.size());
    divide_and_conquer(T())("I", &size, eigenvalues, off_diagonal.data(), z.data(), &size, work.data(), &words,
                            integers.data(), &integer_words, &info);
    require_success(info);
  }
  back_transform(n, a, tau, z.data());
  std::copy(z.begin(), z.end(), a);
  for (std::int64_t k = 0; k < n; ++k) eigenvalues[k] *= largest;
}

#else

template <class T>
void large_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  small_symmetric_eigen(n, a, eigenvalues);
}

#endif

}  // namespace

template <class T>
void symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  if (n > kLargest)
    throw DataError("a covariance of " + std::to_string(n) + " x " + std::to_string(n) +
                    " is beyond the eigenvalue solver's " + std::to_string(kLargest) + ": train on patches");
  if (n <= kSmall)
    small_symmetric_eigen(n, a, eigenvalues);
  else
    large_symmetric_eigen(n, a, eigenvalues);
}

template void symmetric_eigen<float>(std::int64_t, float*, float*);
template void symmetric_eigen<double>(std::int64_t, double*, double*);

}  // namespace noiseutils

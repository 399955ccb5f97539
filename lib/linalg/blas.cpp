#include "linalg/blas.hpp"

#include <Eigen/Eigenvalues>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/openblas_lock.hpp"

#ifdef NOISEUTILS_OPENBLAS
extern "C" {
void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*, const int*,
            const float*, const int*, const float*, float*, const int*);
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*, const int*,
            const double*, const int*, const double*, double*, const int*);
void ssyrk_(const char*, const char*, const int*, const int*, const float*, const float*, const int*, const float*,
            float*, const int*);
void dsyrk_(const char*, const char*, const int*, const int*, const double*, const double*, const int*, const double*,
            double*, const int*);
void ssyevd_(const char*, const char*, const int*, float*, const int*, float*, float*, const int*, int*, const int*,
             int*);
void dsyevd_(const char*, const char*, const int*, double*, const int*, double*, double*, const int*, int*, const int*,
             int*);
// Weak: another BLAS of the same interface may stand in for OpenBLAS at run time and has neither.
void openblas_set_num_threads(int) __attribute__((weak));
char* openblas_get_config() __attribute__((weak));
}
#endif

namespace noiseutils {
namespace {

constexpr std::int64_t kSmall = 100;      // below it Eigen's solver is as fast as LAPACK's
constexpr std::int64_t kLargest = 32000;  // 2 n^2 + 6 n + 1 words of workspace are counted in an int

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

/// One thread inside: the threads of a library and ours would multiply.
bool set_up() {
  Eigen::setNbThreads(1);
#ifdef NOISEUTILS_OPENBLAS
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  // A product large enough to need a work buffer, so that openblas_is_thread_safe() knows.
  const std::vector<double> zeros(128 * 128);
  std::vector<double> result(128 * 128);
  const int n = 128;
  const double one = 1, zero = 0;
  dgemm_("N", "N", &n, &n, &n, &one, zeros.data(), &n, zeros.data(), &n, &zero, result.data(), &n);
  return !openblas_is_thread_safe();
#else
  return false;
#endif
}

/// Held during a call of a library that cannot be called twice at once.
std::unique_lock<std::mutex> turn() {
  static std::mutex one_at_a_time;
  static const bool needed = set_up();
  return needed ? std::unique_lock(one_at_a_time) : std::unique_lock<std::mutex>();
}

template <class T>
void small_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  MatrixMap<T> matrix(a, n, n, Eigen::OuterStride<>(n));
  const Matrix<T> lower = matrix.transpose();  // Eigen reads the lower triangle
  const Eigen::SelfAdjointEigenSolver<Matrix<T>> solver(lower);
  if (solver.info() != Eigen::Success) throw InternalError("the symmetric eigenvalue solver did not converge");
  matrix = solver.eigenvectors();
  Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(eigenvalues, n) = solver.eigenvalues();
}

#ifdef NOISEUTILS_OPENBLAS
int narrow(std::int64_t n) { return static_cast<int>(n); }
const char* letter(Op op) { return op == Op::plain ? "N" : "T"; }

void fortran_gemm(const char* op_a, const char* op_b, int m, int n, int k, float alpha, const float* a, int lda,
                  const float* b, int ldb, float beta, float* c, int ldc) {
  sgemm_(op_a, op_b, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
void fortran_gemm(const char* op_a, const char* op_b, int m, int n, int k, double alpha, const double* a, int lda,
                  const double* b, int ldb, double beta, double* c, int ldc) {
  dgemm_(op_a, op_b, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
void fortran_syrk(const char* op, int n, int k, float alpha, const float* a, int lda, float beta, float* c, int ldc) {
  ssyrk_("U", op, &n, &k, &alpha, a, &lda, &beta, c, &ldc);
}
void fortran_syrk(const char* op, int n, int k, double alpha, const double* a, int lda, double beta, double* c,
                  int ldc) {
  dsyrk_("U", op, &n, &k, &alpha, a, &lda, &beta, c, &ldc);
}
void fortran_syevd(int n, float* a, float* w, float* work, int lwork, int* iwork, int liwork, int* info) {
  ssyevd_("V", "U", &n, a, &n, w, work, &lwork, iwork, &liwork, info);
}
void fortran_syevd(int n, double* a, double* w, double* work, int lwork, int* iwork, int liwork, int* info) {
  dsyevd_("V", "U", &n, a, &n, w, work, &lwork, iwork, &liwork, info);
}

template <class T>
void large_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  std::vector<T> work(static_cast<std::size_t>(1 + 6 * n + 2 * n * n));
  std::vector<int> integer_work(static_cast<std::size_t>(3 + 5 * n));
  int info = 0;
  fortran_syevd(narrow(n), a, eigenvalues, work.data(), static_cast<int>(work.size()), integer_work.data(),
                static_cast<int>(integer_work.size()), &info);
  if (info != 0)
    throw InternalError("the symmetric eigenvalue solver did not converge (LAPACK info " + std::to_string(info) + ")");
}
#else
template <class T>
void large_symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  small_symmetric_eigen(n, a, eigenvalues);
}

template <class T>
auto viewed(const T* data, Op op, std::int64_t rows, std::int64_t cols, std::int64_t ld) {
  return op == Op::plain ? ConstMatrixMap<T>(data, rows, cols, Eigen::OuterStride<>(ld))
                         : ConstMatrixMap<T>(data, cols, rows, Eigen::OuterStride<>(ld));
}
#endif

}  // namespace

template <class T>
void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda,
          const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  const auto lock = turn();
#ifdef NOISEUTILS_OPENBLAS
  fortran_gemm(letter(op_a), letter(op_b), narrow(m), narrow(n), narrow(k), alpha, a, narrow(lda), b, narrow(ldb), beta,
               c, narrow(ldc));
#else
  const auto left = viewed(a, op_a, m, k, lda);
  const auto right = viewed(b, op_b, k, n, ldb);
  MatrixMap<T> result(c, m, n, Eigen::OuterStride<>(ldc));
  if (beta == T(0))
    result.setZero();
  else if (beta != T(1))
    result *= beta;
  if (op_a == Op::plain && op_b == Op::plain) result.noalias() += alpha * (left * right);
  if (op_a == Op::plain && op_b == Op::transposed) result.noalias() += alpha * (left * right.transpose());
  if (op_a == Op::transposed && op_b == Op::plain) result.noalias() += alpha * (left.transpose() * right);
  if (op_a == Op::transposed && op_b == Op::transposed)
    result.noalias() += alpha * (left.transpose() * right.transpose());
#endif
}

template <class T>
void syrk(Op op, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda, T beta, T* c,
          std::int64_t ldc) {
  const auto lock = turn();
#ifdef NOISEUTILS_OPENBLAS
  fortran_syrk(letter(op), narrow(n), narrow(k), alpha, a, narrow(lda), beta, c, narrow(ldc));
#else
  const auto factor = viewed(a, op, n, k, lda);
  MatrixMap<T> result(c, n, n, Eigen::OuterStride<>(ldc));
  if (beta == T(0))
    result.template triangularView<Eigen::Upper>().setZero();
  else if (beta != T(1))
    result.template triangularView<Eigen::Upper>() *= beta;
  auto upper = result.template selfadjointView<Eigen::Upper>();
  if (op == Op::plain)
    upper.rankUpdate(factor, alpha);
  else
    upper.rankUpdate(factor.transpose(), alpha);
#endif
}

template <class T>
void symmetric_eigen(std::int64_t n, T* a, T* eigenvalues) {
  const auto lock = turn();
  if (n > kLargest)
    throw DataError("a covariance of " + std::to_string(n) + " x " + std::to_string(n) +
                    " is beyond the eigenvalue solver's " + std::to_string(kLargest) + ": train on patches");
  if (n <= kSmall)
    small_symmetric_eigen(n, a, eigenvalues);
  else
    large_symmetric_eigen(n, a, eigenvalues);
}

const char* blas_name() {
#ifdef NOISEUTILS_OPENBLAS
  static const std::string name = [] {
    const std::string config = openblas_get_config != nullptr ? openblas_get_config() : "openblas";
    const auto second_space = config.find(' ', config.find(' ') + 1);
    std::string text = config.substr(0, second_space);
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text;
  }();
#else
  static const std::string name = "eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
                                  std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
#endif
  return name.c_str();
}

#define NOISEUTILS_INSTANTIATE(T)                                                                              \
  template void gemm<T>(Op, Op, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, \
                        std::int64_t, T, T*, std::int64_t);                                                    \
  template void syrk<T>(Op, std::int64_t, std::int64_t, T, const T*, std::int64_t, T, T*, std::int64_t);       \
  template void symmetric_eigen<T>(std::int64_t, T*, T*);
NOISEUTILS_INSTANTIATE(float)
NOISEUTILS_INSTANTIATE(double)
#undef NOISEUTILS_INSTANTIATE

}  // namespace noiseutils

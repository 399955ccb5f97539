#include "linalg/blas.hpp"

#include <Eigen/Core>
#include <string>

#include "linalg/blas_turn.hpp"

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
// Weak: another BLAS of the same interface may stand in for OpenBLAS at run time and has neither.
char* openblas_get_config() __attribute__((weak));
}
#endif

namespace noiseutils {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

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
#else
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
  const auto lock = blas_turn();
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
  const auto lock = blas_turn();
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

template void gemm<float>(Op, Op, std::int64_t, std::int64_t, std::int64_t, float, const float*, std::int64_t,
                          const float*, std::int64_t, float, float*, std::int64_t);
template void gemm<double>(Op, Op, std::int64_t, std::int64_t, std::int64_t, double, const double*, std::int64_t,
                           const double*, std::int64_t, double, double*, std::int64_t);
template void syrk<float>(Op, std::int64_t, std::int64_t, float, const float*, std::int64_t, float, float*,
                          std::int64_t);
template void syrk<double>(Op, std::int64_t, std::int64_t, double, const double*, std::int64_t, double, double*,
                           std::int64_t);

}  // namespace noiseutils

#pragma once

#include <cstdint>

namespace noiseutils {

// Dense kernels on column-major matrices, float or double: OpenBLAS and its LAPACK where the build has them, else
// Eigen. They always run on one thread and may be called from several at once: parallelism is ours (parallel_blocks).

/// Whether an operand is read as it is or transposed.
enum class Op { plain, transposed };

/// C = alpha op(A) op(B) + beta C, with op(A) m x k, op(B) k x n, C m x n. With beta 0 C may be uninitialised.
template <class T>
void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda,
          const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// The upper triangle of C = alpha A A^T + beta C for A n x k (Op::plain), or alpha A^T A + beta C for A k x n
/// (Op::transposed). The strict lower triangle of C is left as it was.
template <class T>
void syrk(Op op, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda, T beta, T* c, std::int64_t ldc);

/// "openblas 0.3.21" or "eigen 3.4.0": what the kernels above are.
const char* blas_name();

}  // namespace noiseutils

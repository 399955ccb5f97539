#include "linalg/batch_product.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/threads.hpp"
#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

// A kernel treats what is left over from its full tiles with other instructions, in another order of summation. Along
// the first dimension of a product lie the lanes of a SIMD register, all treated alike; so vectors go there, in
// multiples of kGrain, which every kernel's tile height divides. (Along the second dimension even the columns of one
// full tile differ: OpenBLAS's Haswell sgemm.) Kernels for small matrices are chosen by the whole size: below
// kSmallMatrix the number of vectors is always the same.
constexpr std::int64_t kGrain = 48;
constexpr std::int64_t kVectors = 10 * kGrain;  // of one tile: the cost of packing A is spread over them
constexpr std::int64_t kSmallMatrix = 32768;    // elements; kGrain times as many are a large product anywhere
constexpr std::int64_t kVectorsOfSmall = 5 * kGrain;
constexpr std::int64_t kRows = 768;  // of one tile: even a single large vector keeps several threads busy

template <class T>
void transpose(std::int64_t rows, std::int64_t cols, const T* in, std::int64_t ld_in, T* out, std::int64_t ld_out) {
  constexpr std::int64_t kEdge = 16;
  for (std::int64_t c = 0; c < cols; c += kEdge)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t k = c; k < std::min(c + kEdge, cols); ++k) out[r * ld_out + k] = in[k * ld_in + r];
}

template <class T>
void product_tile(Op op, std::int64_t rows, std::int64_t cols, const T* a, std::int64_t lda, std::int64_t count,
                  std::int64_t padded, const T* in, T* out, std::int64_t ldo) {
  thread_local std::vector<T> padded_in, result;
  if (padded != count) {
    padded_in.assign(static_cast<std::size_t>(padded * cols), T(0));
    std::copy_n(in, count * cols, padded_in.data());
    in = padded_in.data();
  }
  result.resize(static_cast<std::size_t>(padded * rows));
  gemm<T>(Op::transposed, op, padded, rows, cols, T(1), in, cols, a, lda, T(0), result.data(), padded);
  transpose(count, rows, result.data(), padded, out, ldo);
}

}  // namespace

template <class T>
void batch_product(bool transposed, std::int64_t rows, std::int64_t cols, const T* a, std::int64_t count, const T* in,
                   T* out) {
  // A row-major matrix is BLAS's column-major transpose, and it stands on the right.
  const Op op = transposed ? Op::transposed : Op::plain;
  const std::int64_t lda = transposed ? rows : cols;
  const bool small = std::min(kRows, rows) * cols < kSmallMatrix;
  const std::int64_t vectors = small ? kVectorsOfSmall : kVectors;
  const std::int64_t row_tiles = (rows + kRows - 1) / kRows, vector_tiles = (count + vectors - 1) / vectors;
  parallel_blocks(row_tiles * vector_tiles, [&](std::int64_t tile) {
    const std::int64_t row = tile % row_tiles * kRows, first = tile / row_tiles * vectors;
    const std::int64_t n = std::min(vectors, count - first);
    product_tile(op, std::min(kRows, rows - row), cols, transposed ? a + row : a + row * cols, lda, n,
                 small ? kVectorsOfSmall : (n + kGrain - 1) / kGrain * kGrain, in + first * cols,
                 out + first * rows + row, rows);
  });
}

template void batch_product<float>(bool, std::int64_t, std::int64_t, const float*, std::int64_t, const float*, float*);
template void batch_product<double>(bool, std::int64_t, std::int64_t, const double*, std::int64_t, const double*,
                                    double*);

}  // namespace noiseutils

#pragma once

#include <cstdint>

namespace noiseutils {

/// Rows of the matrices of a group are this many floats apart, whatever the instruction set: what lies beyond their
/// columns is zero.
constexpr std::int64_t kGroupLeading = 48;
/// Rows of matrices that the kernels read and write have room up to a multiple of this many floats.
constexpr std::int64_t kGroupLanes = 16;

/// The inner loops of group matching and estimation. Every sum runs in one order, without FMA, whatever the instruction
/// set: all give the same bits. Matrices are row-major.
struct GroupKernels {
  /// out[i * leading + j] += sum over r, c < patch of (reference[r, c] - first[i + r, j + c])^2, for i < rows and
  /// j < columns; [r, c] is r * stride + c. Columns up to the next multiple of kGroupLanes are read and written too.
  void (*add_distances)(const float* reference, const float* first, std::int64_t stride, std::int64_t patch,
                        std::int64_t rows, std::int64_t columns, float* out, std::int64_t leading);
  /// How many of n values, a multiple of kGroupLanes, are at most `limit`.
  std::int64_t (*count_up_to)(const float* values, std::int64_t n, float limit);
  /// C(i, j) = sum_l a[i * row_step + l * depth_step] b[l * leading_b + j], l in order, for i < rows, l < depth,
  /// j < columns.
  void (*product)(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a, std::int64_t row_step,
                  std::int64_t depth_step, const float* b, std::int64_t leading_b, float* c, std::int64_t leading_c);
  /// A symmetric positive definite matrix of n = 16, 28 or 36 rows (leading: as many floats apart) becomes its inverse,
  /// by Gauss-Jordan elimination in place, without pivoting. `floor`: a lower bound of its eigenvalues, which no pivot
  /// falls below but by rounding; such ones are raised to it.
  void (*invert)(std::int64_t n, float* a, std::int64_t leading, float floor);
  /// mean[j] = the mean of column j, which is then subtracted; columns of kGroupLeading floats.
  void (*centre)(std::int64_t rows, float* a, float* mean);
  /// q[i] = sum_j t_ij (x_ij - l t_ij), j over kGroupLeading columns in 16 lanes, which are then added in pairs.
  void (*row_norms)(std::int64_t rows, const float* t, const float* x, float l, float* q);
  /// a <- a + mean, or with `other` (a + other) / 2 + mean, the mean being added to each row.
  void (*finish)(std::int64_t rows, const float* mean, const float* other, float* a);
};

/// Those of active_isa().
const GroupKernels& group_kernels();

/// One table an instruction set, each from a compilation of group_kernels.isa.cpp.
namespace group_isa {
namespace baseline {
extern const GroupKernels kKernels;
}  // namespace baseline
namespace avx2 {
extern const GroupKernels kKernels;
}  // namespace avx2
namespace avx512 {
extern const GroupKernels kKernels;
}  // namespace avx512
}  // namespace group_isa

}  // namespace noiseutils

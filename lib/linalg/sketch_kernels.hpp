#pragma once

#include <cstdint>

namespace noiseutils {

/// The loops over all data of a covariance sketch that are not matrix products, compiled once for each instruction set.
/// x is a matrix of rows, `stride` apart.
template <class Real>
struct SketchKernels {
  static constexpr std::int64_t kStrip = 32;  ///< rows at a time: the sums of 128 columns stay in the first cache

  /// sums[j] += sum_i x[i * stride + j], j < n; copy[i * copy_stride + j] = x[i * stride + j].
  void (*add_rows)(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, double* sums, Real* copy,
                   std::int64_t copy_stride);
  /// With c = x - mean, the mean as high + low, kStrip rows (those from `rows` on are 0), and row j of a sparse matrix
  /// of signs s in `entries`,
  ///   sums[l * kStrip + i] += sum_j s_jl c_ij,   the return value sum_ij c_ij^2.
  /// entries: per_row a column j, l where the sign is plus, -1 - l where it is minus. next: null, or as many numbers
  /// that are wanted afterwards, fetched meanwhile.
  double (*add_signed)(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const Real* high,
                       const Real* low, const std::int32_t* entries, std::int64_t per_row, Real* sums, const Real* next,
                       std::int64_t next_stride);
  /// x - mean as panels one after the other, each of `lanes` columns (0 beyond n), row after row.
  void (*center)(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const Real* high,
                 const Real* low, std::int64_t lanes, Real* panels);
  /// to[i * leading + j] += left[i] right[j], i < rows, j < n.
  void (*add_outer)(std::int64_t rows, std::int64_t n, const double* left, const double* right, double* to,
                    std::int64_t leading);
};

/// Those of active_isa().
template <class Real>
const SketchKernels<Real>& sketch_kernels();

/// One pair an instruction set, each from a compilation of sketch_kernels.isa.cpp.
namespace sketch_isa {
namespace baseline {
extern const SketchKernels<float> kFloat;
extern const SketchKernels<double> kDouble;
}  // namespace baseline
namespace avx2 {
extern const SketchKernels<float> kFloat;
extern const SketchKernels<double> kDouble;
}  // namespace avx2
namespace avx512 {
extern const SketchKernels<float> kFloat;
extern const SketchKernels<double> kDouble;
}  // namespace avx512
}  // namespace sketch_isa

}  // namespace noiseutils

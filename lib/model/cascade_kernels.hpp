#pragma once

#include <cstdint>

namespace noiseutils {

/// One shift of guided_means(): a row of pixels p, and the row of the pixels q = p + shift that they are compared with.
struct GuidedRow {
  std::int64_t n = 0;                  ///< pixels p in the row
  float inverse_narrow, inverse_wide;  ///< 1 / (49 tau) of the two weights
  const float *noisy_p, *noisy_q;
  float *sum_narrow_p, *sum_narrow_q, *weight_narrow_p, *weight_narrow_q;
  float *sum_wide_p, *sum_wide_q, *weight_wide_p, *weight_wide_q;
};

/// The inner loops of the cascade that are not matrix products. Every element is computed on its own, in one order,
/// without FMA, whatever the instruction set: all give the same bits.
struct CascadeKernels {
  /// x: d rows of n values, a patch a column. Takes the mean of each column off; norms[j] = |column j|^2 then.
  void (*centre)(std::int64_t d, std::int64_t n, float* x, float* norms);
  /// v: `rank` rows of n values. score = constant + (sum of squares of column j of v - share norms[j]) / 2; where it
  /// exceeds best[j], it becomes best[j], and label[j] = k.
  void (*challenge)(std::int64_t rank, std::int64_t n, const float* v, const float* norms, float constant, float share,
                    std::int32_t k, float* best, std::int32_t* label);
  /// column[c] += (a[c] - b[c])^2 - oldest[c], and oldest[c] becomes that square: sums over 7 rows, kept running.
  void (*slide)(std::int64_t n, const float* a, const float* b, float* oldest, float* column);
  /// With D(p) = columns[p] + ... + columns[p + 6] and w = max(0, 1 - D inverse)^2 for both inverses: each of p and q
  /// gets the other's noisy value times w, and w. `scratch`: room for 2 n.
  void (*average)(const GuidedRow& row, const float* columns, float* scratch);
};

/// Those of active_isa().
const CascadeKernels& cascade_kernels();

/// One table an instruction set, each from a compilation of cascade_kernels.isa.cpp.
namespace cascade_isa {
namespace baseline {
extern const CascadeKernels kKernels;
}  // namespace baseline
namespace avx2 {
extern const CascadeKernels kKernels;
}  // namespace avx2
namespace avx512 {
extern const CascadeKernels kKernels;
}  // namespace avx512
}  // namespace cascade_isa

}  // namespace noiseutils

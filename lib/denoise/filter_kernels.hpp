#pragma once

#include <cstdint>

namespace noiseutils {

/// The two inner loops of PatchFilter. Sums run in the same order for every instruction set and without FMA, so all
/// give the same bits; a pixel's value does not depend on where it lies in a call.
template <class Real>
struct FilterKernels {
  /// out[x] = offset + sum_{j < row_count} sum_{l < width} taps[j * width + l] rows[j][x + l], for x < n.
  void (*interior)(const Real* const* rows, std::int64_t row_count, const Real* taps, std::int64_t width, Real offset,
                   Real* out, std::int64_t n);
  /// out[x] = offsets[x] + sum_j sum_{l < inputs} weights[(j * inputs + l) * lanes + x] rows[j][l], for x < lanes,
  /// a multiple of kEdgeLanes<Real>.
  void (*edge)(const Real* const* rows, std::int64_t row_count, std::int64_t inputs, const Real* weights,
               const Real* offsets, Real* out, std::int64_t lanes);
};

template <class Real>
constexpr std::int64_t kEdgeLanes = static_cast<std::int64_t>(64 / sizeof(Real));

/// Those of active_isa().
template <class Real>
const FilterKernels<Real>& filter_kernels();

/// One pair an instruction set, each from a compilation of filter_kernels.isa.cpp.
namespace filter_isa {
namespace baseline {
extern const FilterKernels<float> kFloat;
extern const FilterKernels<double> kDouble;
}  // namespace baseline
namespace avx2 {
extern const FilterKernels<float> kFloat;
extern const FilterKernels<double> kDouble;
}  // namespace avx2
namespace avx512 {
extern const FilterKernels<float> kFloat;
extern const FilterKernels<double> kDouble;
}  // namespace avx512
}  // namespace filter_isa

}  // namespace noiseutils

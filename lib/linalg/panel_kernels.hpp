#pragma once

#include <cstdint>

namespace noiseutils {

/// The inner loop of our own matrix products, compiled once for each instruction set. A panel holds `lanes` columns of
/// a matrix side by side, row after row: panel[k * lanes + i]. From one panel and `width` columns of another, at `b`,
/// rows `stride` apart,
///   C(i, j) = sum_k a[k * lanes + i] b[k * stride + j],   i < lanes, j < width, C column-major.
/// The sum of an element runs over k in order, whatever its place: its bits do not depend on its neighbours.
/// Why not OpenBLAS's gemm: it packs its operands anew for every tile and writes float sums to memory before they can
/// be added up in double, which together cost a quarter of the time of a covariance; and the last bits of a column of
/// its result depend on where the column stands.
template <class Real>
struct PanelKernels {
  std::int64_t lanes, width;  ///< width divides lanes
  /// C += the product, in double.
  void (*add_to_double)(std::int64_t rows, const Real* a, const Real* b, std::int64_t stride, double* c,
                        std::int64_t leading);
  /// C = the product, or C += it.
  void (*multiply)(std::int64_t rows, const Real* a, const Real* b, std::int64_t stride, Real* c, std::int64_t leading,
                   bool add);
};

/// Those of active_isa().
template <class Real>
const PanelKernels<Real>& panel_kernels();

/// One pair an instruction set, each from a compilation of panel_kernels.isa.cpp.
namespace panel_isa {
namespace baseline {
extern const PanelKernels<float> kFloat;
extern const PanelKernels<double> kDouble;
}  // namespace baseline
namespace avx2 {
extern const PanelKernels<float> kFloat;
extern const PanelKernels<double> kDouble;
}  // namespace avx2
namespace avx512 {
extern const PanelKernels<float> kFloat;
extern const PanelKernels<double> kDouble;
}  // namespace avx512
}  // namespace panel_isa

}  // namespace noiseutils

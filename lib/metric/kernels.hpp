#pragma once

#include <cstdint>

namespace noiseutils {

/// The hot loops of the metrics, compiled once for each instruction set. All give the same bits: sums run over eight
/// lanes, added in order at the end.
template <class Real>
struct SumKernels {
  double (*squared)(const Real* a, const Real* b, std::int64_t count);   ///< sum (a - b)^2
  double (*absolute)(const Real* a, const Real* b, std::int64_t count);  ///< sum |a - b|
  /// sums[0] = sum u, sums[1] = sum u^2, u = (a - f)^2 - (b - c)^2 / 2
  void (*unsupervised)(const Real* f, const Real* a, const Real* b, const Real* c, std::int64_t count, double* sums);
};

constexpr int kSsimTaps = 11;

/// A tile of two images: `rows` by `columns` windows whose upper left pixel is x, y; rows of pixels lie `stride` apart.
template <class Real>
struct SsimTile {
  const Real* x;
  const Real* y;
  std::int64_t stride, rows, columns;
  const double* taps;  ///< kSsimTaps weights, symmetric, of sum 1
  double c1, c2;
  double* scratch;  ///< ssim_scratch(columns) doubles
};
constexpr std::int64_t ssim_scratch(std::int64_t columns) {
  return (columns + kSsimTaps - 1) * 4 * (kSsimTaps + 1) + columns;
}

struct MetricKernels {
  SumKernels<float> sums_float;
  SumKernels<double> sums_double;
  double (*ssim_float)(const SsimTile<float>& tile);  ///< the sum of the SSIM index over the windows
  double (*ssim_double)(const SsimTile<double>& tile);

  const SumKernels<float>& sums(float) const { return sums_float; }
  const SumKernels<double>& sums(double) const { return sums_double; }
  double ssim(const SsimTile<float>& tile) const { return ssim_float(tile); }
  double ssim(const SsimTile<double>& tile) const { return ssim_double(tile); }
};

/// The kernels of active_isa().
const MetricKernels& metric_kernels();

}  // namespace noiseutils

#pragma once

#include <cstdint>

namespace noiseutils {

/// The hot loops of the metrics, compiled once for each instruction set. All give the same bits: sums run over eight
/// lanes, added in order at the end.
template <class Real>
struct SumKernels {
  double (*squared)(const Real* a, const Real* b, std::int64_t count);   ///< sum (a - b)^2
  double (*absolute)(const Real* a, const Real* b, std::int64_t count);  ///< sum |a - b|
  /// Adds the terms u, z, w of unsupervised_blocks.hpp of elements 0 ... count-1 to u[i], z[i], w[i]; `references`
  /// holds `k` arrays. z and w follow the first two and three of them. The form of three references a, b, c:
  void (*three_terms)(const Real* f, const Real* const* references, int k, std::int64_t count, double* u, double* z,
                      double* w);
  /// The form of all pairs of k >= 2 references; of two, w is left alone.
  void (*pair_terms)(const Real* f, const Real* const* references, int k, std::int64_t count, double* u, double* z,
                     double* w);
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

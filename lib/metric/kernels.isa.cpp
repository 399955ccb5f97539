// Compiled once for each instruction set: nothing here may have external linkage but the table at the end, or the
// linker could keep a copy that the processor cannot run.
#include "metric/kernels.hpp"

namespace noiseutils {
namespace {

constexpr int kLanes = 8;
// The factors of z and w in lib/metric/unsupervised_blocks.hpp.
constexpr double kThreeScale = 0.70710678118654752;     // 1 / sqrt 2
constexpr double kContrastScale = 0.28867513459481288;  // 1 / sqrt 12
inline double pair_scale(int k) { return __builtin_sqrt(2.0 / k) / k; }

/// The sum of term(i) over i = 0 ... count-1 in kLanes interleaved partial sums: the compiler may not reorder a
/// single one.
template <class Term>
inline double lane_sum(std::int64_t count, const Term& term) {
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
  double total = 0;
  for (int k = 0; k < kLanes; ++k) total += lanes[k];
  for (; i < count; ++i) total += term(i);
  return total;
}

template <class Real>
double squared(const Real* a, const Real* b, std::int64_t count) {
  return lane_sum(count, [=](std::int64_t i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    return difference * difference;
  });
}

template <class Real>
double absolute(const Real* a, const Real* b, std::int64_t count) {
  return lane_sum(
      count, [=](std::int64_t i) { return __builtin_fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])); });
}

template <class Real>
void three_terms(const Real* f, const Real* const* references, int, std::int64_t count, double* __restrict u,
                 double* __restrict z, double* __restrict w) {
  const Real *a = references[0], *b = references[1], *c = references[2];
  for (std::int64_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(f[i]), a_error = static_cast<double>(a[i]) - x,
                 b_error = static_cast<double>(b[i]) - x, c_error = static_cast<double>(c[i]) - x;
    const double difference = a_error - b_error, noise = b_error - c_error;
    u[i] += a_error * a_error - 0.5 * (noise * noise);
    z[i] += kThreeScale * difference * (1.5 * (a_error + b_error) - c_error);
    w[i] += kContrastScale * difference * (a_error + b_error - 2 * c_error);
  }
}

/// `kCount` references, or, if it is 0, any number.
template <class Real, int kCount>
inline void pair_terms_of(const Real* f, const Real* const* references, int any, std::int64_t count,
                          double* __restrict u, double* __restrict z, double* __restrict w) {
  const int references_count = kCount > 0 ? kCount : any;
  const double k = references_count, u_scale = 1 / (k * (k - 1)), z_scale = pair_scale(references_count);
  const Real *a = references[0], *b = references[1], *c = references[kCount == 2 ? 1 : 2];
  for (std::int64_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(f[i]), a_error = static_cast<double>(a[i]) - x,
                 b_error = static_cast<double>(b[i]) - x, difference = a_error - b_error;
    if (kCount == 2) {  // without the sum of squares, which cancels but for its rounding
      u[i] += a_error * b_error;
      z[i] += 0.5 * difference * (a_error + b_error);
      continue;
    }
    const double c_error = static_cast<double>(c[i]) - x;
    double sum = a_error + b_error + c_error, squares = a_error * a_error + b_error * b_error + c_error * c_error;
    for (int r = 3; r < references_count; ++r) {
      const double error = static_cast<double>(references[r][i]) - x;
      sum += error;
      squares += error * error;
    }
    u[i] += u_scale * (sum * sum - squares);
    z[i] += z_scale * difference * sum;
    w[i] += kContrastScale * difference * (a_error + b_error - 2 * c_error);
  }
}

template <class Real>
void pair_terms(const Real* f, const Real* const* references, int k, std::int64_t count, double* u, double* z,
                double* w) {
  if (k == 2)
    pair_terms_of<Real, 2>(f, references, k, count, u, z, w);
  else if (k == 3)
    pair_terms_of<Real, 3>(f, references, k, count, u, z, w);
  else
    pair_terms_of<Real, 0>(f, references, k, count, u, z, w);
}

/// out[i] = sum_t taps[t] row[t][i], t = 0 ... 10, for symmetric taps.
inline void filter_columns(const double* const* row, const double* taps, std::int64_t count, double* __restrict out) {
  const double *r0 = row[0], *r1 = row[1], *r2 = row[2], *r3 = row[3], *r4 = row[4], *r5 = row[5];
  const double *r6 = row[6], *r7 = row[7], *r8 = row[8], *r9 = row[9], *r10 = row[10];
  const double w0 = taps[0], w1 = taps[1], w2 = taps[2], w3 = taps[3], w4 = taps[4], w5 = taps[5];
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = w0 * (r0[i] + r10[i]) + w1 * (r1[i] + r9[i]) + w2 * (r2[i] + r8[i]) + w3 * (r3[i] + r7[i]) +
             w4 * (r4[i] + r6[i]) + w5 * r5[i];
}

inline double filter_row(const double* p, const double* w) {
  return w[0] * (p[0] + p[10]) + w[1] * (p[1] + p[9]) + w[2] * (p[2] + p[8]) + w[3] * (p[3] + p[7]) +
         w[4] * (p[4] + p[6]) + w[5] * p[5];
}

/// One row of pixels as the four images that the index is made of: x, y, x^2 + y^2, x y.
template <class Real>
inline void expand_row(const Real* x, const Real* y, std::int64_t count, double* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double a = static_cast<double>(x[i]), b = static_cast<double>(y[i]);
    out[i] = a;
    out[count + i] = b;
    out[2 * count + i] = a * a + b * b;
    out[3 * count + i] = a * b;
  }
}

/// The filter is separable: columns first, over a ring of the last eleven expanded rows, then along the row.
template <class Real>
double ssim(const SsimTile<Real>& tile) {
  const std::int64_t width = tile.columns + kSsimTaps - 1, expanded = 4 * width;
  double* const ring = tile.scratch;
  double* const filtered = ring + expanded * kSsimTaps;
  double* const index = filtered + expanded;
  double total = 0;
  for (std::int64_t r = 0; r < tile.rows + kSsimTaps - 1; ++r) {
    expand_row(tile.x + r * tile.stride, tile.y + r * tile.stride, width, ring + (r % kSsimTaps) * expanded);
    if (r < kSsimTaps - 1) continue;
    const double* rows[kSsimTaps] = {};
    for (int t = 0; t < kSsimTaps; ++t) rows[t] = ring + ((r + 1 + t) % kSsimTaps) * expanded;
    filter_columns(rows, tile.taps, expanded, filtered);
    double w[6];
    for (int t = 0; t < 6; ++t) w[t] = tile.taps[t];
    const double c1 = tile.c1, c2 = tile.c2;
    for (std::int64_t i = 0; i < tile.columns; ++i) {
      const double* p = filtered + i;
      const double mean_x = filter_row(p, w), mean_y = filter_row(p + width, w);
      const double means = mean_x * mean_x + mean_y * mean_y, product = mean_x * mean_y;
      const double variances = filter_row(p + 2 * width, w) - means;
      const double covariance = filter_row(p + 3 * width, w) - product;
      index[i] = ((2 * product + c1) * (2 * covariance + c2)) / ((means + c1) * (variances + c2));
    }
    total += lane_sum(tile.columns, [=](std::int64_t i) { return index[i]; });
  }
  return total;
}

}  // namespace

namespace NOISEUTILS_ISA {
extern const MetricKernels kMetricKernels;
const MetricKernels kMetricKernels = {{squared<float>, absolute<float>, three_terms<float>, pair_terms<float>},
                                      {squared<double>, absolute<double>, three_terms<double>, pair_terms<double>},
                                      ssim<float>,
                                      ssim<double>};
}  // namespace NOISEUTILS_ISA

}  // namespace noiseutils

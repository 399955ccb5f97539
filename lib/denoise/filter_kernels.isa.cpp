#include <cstring>

#include "denoise/filter_kernels.hpp"

namespace noiseutils::filter_isa::NOISEUTILS_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
constexpr int kUnrolled = 8;  // independent sums in flight: enough to hide the latency of an addition

template <class Real>
struct Vector {
  typedef Real Type __attribute__((vector_size(kBytes)));
  static constexpr std::int64_t kLanes = kBytes / static_cast<int>(sizeof(Real));
};

template <class Real>
typename Vector<Real>::Type load(const Real* from) {
  typename Vector<Real>::Type value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// kCount vectors of neighbouring pixels.
template <int kCount, class Real>
void pixels(const Real* const* rows, std::int64_t row_count, const Real* taps, std::int64_t width, Real offset,
            Real* out, std::int64_t x) {
  using V = Vector<Real>;
  typename V::Type sum[kCount] = {};
  for (std::int64_t j = 0; j < row_count; ++j) {
    const Real* row = rows[j] + x;
    const Real* tap = taps + j * width;
    for (std::int64_t l = 0; l < width; ++l)
      for (int v = 0; v < kCount; ++v) sum[v] += load(row + l + v * V::kLanes) * tap[l];
  }
  for (int v = 0; v < kCount; ++v) {
    sum[v] += offset;
    std::memcpy(out + x + v * V::kLanes, &sum[v], sizeof sum[v]);
  }
}

template <class Real>
void interior(const Real* const* rows, std::int64_t row_count, const Real* taps, std::int64_t width, Real offset,
              Real* out, std::int64_t n) {
  constexpr std::int64_t kLanes = Vector<Real>::kLanes;
  if (n < kLanes) {
    for (std::int64_t x = 0; x < n; ++x) {
      Real sum = 0;
      for (std::int64_t j = 0; j < row_count; ++j)
        for (std::int64_t l = 0; l < width; ++l) sum += rows[j][x + l] * taps[j * width + l];
      out[x] = sum + offset;
    }
    return;
  }
  std::int64_t x = 0;
  for (; x + kUnrolled * kLanes <= n; x += kUnrolled * kLanes)
    pixels<kUnrolled>(rows, row_count, taps, width, offset, out, x);
  for (; x + kLanes <= n; x += kLanes) pixels<1>(rows, row_count, taps, width, offset, out, x);
  if (x < n) pixels<1>(rows, row_count, taps, width, offset, out, n - kLanes);  // once more what is there: same bits
}

template <class Real>
void edge(const Real* const* rows, std::int64_t row_count, std::int64_t inputs, const Real* weights,
          const Real* offsets, Real* out, std::int64_t lanes) {
  using V = Vector<Real>;
  constexpr int kCount = static_cast<int>(kEdgeLanes<Real> / V::kLanes);
  for (std::int64_t x = 0; x < lanes; x += kEdgeLanes<Real>) {
    typename V::Type sum[kCount] = {};
    for (std::int64_t j = 0; j < row_count; ++j)
      for (std::int64_t l = 0; l < inputs; ++l)
        for (int v = 0; v < kCount; ++v)
          sum[v] += load(weights + (j * inputs + l) * lanes + x + v * V::kLanes) * rows[j][l];
    for (int v = 0; v < kCount; ++v) {
      sum[v] += load(offsets + x + v * V::kLanes);
      std::memcpy(out + x + v * V::kLanes, &sum[v], sizeof sum[v]);
    }
  }
}

}  // namespace

extern const FilterKernels<float> kFloat = {interior<float>, edge<float>};
extern const FilterKernels<double> kDouble = {interior<double>, edge<double>};

}  // namespace noiseutils::filter_isa::NOISEUTILS_ISA

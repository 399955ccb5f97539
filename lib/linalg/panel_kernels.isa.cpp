// Compiled once for each instruction set: nothing here may have external linkage but the tables at the end, or the
// linker could keep a copy that the processor cannot run.
#if defined(__AVX2__) && !defined(__AVX512F__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("fma"))), apply_to = function)
#else
#pragma GCC target("fma")
#endif
#endif

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "linalg/panel_kernels.hpp"

namespace noiseutils {
namespace {

constexpr int kVectors = 3;  // of accumulators beside each other: a load serves kWidth multiplications

#if defined(__AVX512F__)

constexpr int kWidth = 8;  // 24 accumulators of 32 registers
template <class Real>
struct Simd;
template <>
struct Simd<float> {
  using Type = __m512;
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Type v) { _mm512_storeu_ps(p, v); }
  static Type zero() { return _mm512_setzero_ps(); }
  static Type fma(Type a, float b, Type c) { return _mm512_fmadd_ps(a, _mm512_set1_ps(b), c); }
};
template <>
struct Simd<double> {
  using Type = __m512d;
  static Type load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, Type v) { _mm512_storeu_pd(p, v); }
  static Type zero() { return _mm512_setzero_pd(); }
  static Type fma(Type a, double b, Type c) { return _mm512_fmadd_pd(a, _mm512_set1_pd(b), c); }
};

#elif defined(__AVX2__)

constexpr int kWidth = 4;  // 12 accumulators of 16 registers
template <class Real>
struct Simd;
template <>
struct Simd<float> {
  using Type = __m256;
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Type v) { _mm256_storeu_ps(p, v); }
  static Type zero() { return _mm256_setzero_ps(); }
  static Type fma(Type a, float b, Type c) { return _mm256_fmadd_ps(a, _mm256_set1_ps(b), c); }
};
template <>
struct Simd<double> {
  using Type = __m256d;
  static Type load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, Type v) { _mm256_storeu_pd(p, v); }
  static Type zero() { return _mm256_setzero_pd(); }
  static Type fma(Type a, double b, Type c) { return _mm256_fmadd_pd(a, _mm256_set1_pd(b), c); }
};

#else

constexpr int kWidth = 3;  // 9 accumulators; 3 divides the lanes of float (12) and of double (6)
template <class Real>
struct Simd {
  typedef Real Type __attribute__((vector_size(16)));
  static Type load(const Real* p) {
    Type v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(Real* p, Type v) { __builtin_memcpy(p, &v, sizeof v); }
  static Type zero() { return Type{}; }
  static Type fma(Type a, Real b, Type c) { return c + a * b; }
};

#endif

template <class Real>
constexpr int kLanesOfVector = static_cast<int>(sizeof(typename Simd<Real>::Type) / sizeof(Real));
template <class Real>
constexpr int kLanes = kVectors* kLanesOfVector<Real>;

/// sums: kLanes x kWidth, column after column.
template <class Real>
inline void product(std::int64_t rows, const Real* a, const Real* b, std::int64_t stride, Real* sums) {
  using S = Simd<Real>;
  typename S::Type sum[kWidth][kVectors];
#pragma GCC unroll 8
  for (int j = 0; j < kWidth; ++j)
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) sum[j][v] = S::zero();
  for (std::int64_t k = 0; k < rows; ++k, a += kLanes<Real>, b += stride) {
    typename S::Type column[kVectors];
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) column[v] = S::load(a + v * kLanesOfVector<Real>);
#pragma GCC unroll 8
    for (int j = 0; j < kWidth; ++j)
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) sum[j][v] = S::fma(column[v], b[j], sum[j][v]);
  }
#pragma GCC unroll 8
  for (int j = 0; j < kWidth; ++j)
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) S::store(sums + j * kLanes<Real> + v * kLanesOfVector<Real>, sum[j][v]);
}

template <class Real>
void add_to_double(std::int64_t rows, const Real* a, const Real* b, std::int64_t stride, double* c,
                   std::int64_t leading) {
  alignas(64) Real sums[kLanes<Real> * kWidth];
  product(rows, a, b, stride, sums);
  for (int j = 0; j < kWidth; ++j)
    for (int i = 0; i < kLanes<Real>; ++i) c[j * leading + i] += static_cast<double>(sums[j * kLanes<Real> + i]);
}

template <class Real>
void multiply(std::int64_t rows, const Real* a, const Real* b, std::int64_t stride, Real* c, std::int64_t leading,
              bool add) {
  alignas(64) Real sums[kLanes<Real> * kWidth];
  product(rows, a, b, stride, sums);
  for (int j = 0; j < kWidth; ++j)
    if (add)
      for (int i = 0; i < kLanes<Real>; ++i) c[j * leading + i] += sums[j * kLanes<Real> + i];
    else
      for (int i = 0; i < kLanes<Real>; ++i) c[j * leading + i] = sums[j * kLanes<Real> + i];
}

}  // namespace

namespace panel_isa::NOISEUTILS_ISA {
const PanelKernels<float> kFloat = {kLanes<float>, kWidth, add_to_double<float>, multiply<float>};
const PanelKernels<double> kDouble = {kLanes<double>, kWidth, add_to_double<double>, multiply<double>};
}  // namespace panel_isa::NOISEUTILS_ISA

}  // namespace noiseutils

#if defined(__clang__) && defined(__AVX2__) && !defined(__AVX512F__)
#pragma clang attribute pop
#endif

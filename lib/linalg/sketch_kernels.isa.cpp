// Compiled once for each instruction set: nothing here may have external linkage but the tables at the end, or the
// linker could keep a copy that the processor cannot run. Plain loops that the compiler vectorises at -O3.
#include "linalg/sketch_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kStrip = SketchKernels<float>::kStrip;
constexpr std::int64_t kColumns = 16;  // transposed at a time: a line of floats of each row

template <class Real>
void add_rows(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, double* __restrict sums,
              Real* __restrict copy, std::int64_t copy_stride) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const Real* const row = x + i * stride;
    Real* const to = copy + i * copy_stride;
    for (std::int64_t j = 0; j < n; ++j) {
      sums[j] += static_cast<double>(row[j]);
      to[j] = row[j];
    }
  }
}

template <class Real>
struct Four;
template <>
struct Four<float> {
  typedef float Type __attribute__((vector_size(16)));
};
template <>
struct Four<double> {
  typedef double Type __attribute__((vector_size(32)));
};

/// 4 x 4 numbers: stores of one number each would take as long as the sums that they are for.
template <class Real>
inline void transpose_four(const Real* from, Real* to) {
  using V = typename Four<Real>::Type;
  V r[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&r[i], from + i * kColumns, sizeof(V));
  const V low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5),
          high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const V low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5),
          high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  const V column[4] = {
      __builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
      __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) __builtin_memcpy(to + j * kStrip, &column[j], sizeof(V));
}

/// columns[j * kStrip + i] = x[i * stride + j] - high[j] - low[j], j < n.
template <class Real>
void transpose_centred(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride,
                       const Real* __restrict high, const Real* __restrict low, Real* __restrict columns) {
  alignas(64) Real lines[4 * kColumns];
  if (n == kColumns && rows == kStrip) {
    for (std::int64_t i = 0; i < kStrip; i += 4) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r)
        for (int j = 0; j < kColumns; ++j) lines[r * kColumns + j] = x[(i + r) * stride + j] - high[j] - low[j];
#pragma GCC unroll 4
      for (int j = 0; j < kColumns; j += 4) transpose_four(lines + j, columns + j * kStrip + i);
    }
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < n; ++j) columns[j * kStrip + i] = x[i * stride + j] - high[j] - low[j];
}

template <class Real>
constexpr Real kSigns[2] = {1, -1};

template <class Real>
double add_signed(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const Real* high,
                  const Real* low, const std::int32_t* entries, std::int64_t per_row, Real* sums, const Real* next,
                  std::int64_t next_stride) {
  alignas(64) Real columns[kColumns * kStrip] = {};
  alignas(64) double squares[kStrip] = {};
  for (std::int64_t first = 0; first < n; first += kColumns) {
    const std::int64_t count = n - first < kColumns ? n - first : kColumns;
    transpose_centred(rows, count, x + first, stride, high + first, low + first, columns);
    if (next != nullptr)
      for (std::int64_t i = 0; i < rows; ++i) __builtin_prefetch(next + i * next_stride + first);
    alignas(64) Real some[kStrip] = {};
    for (std::int64_t j = 0; j < count; ++j) {
      alignas(64) Real column[kStrip];
      for (int i = 0; i < kStrip; ++i) column[i] = columns[j * kStrip + i];
      for (int i = 0; i < kStrip; ++i) some[i] += column[i] * column[i];
      for (std::int64_t t = 0; t < per_row; ++t) {
        const std::int32_t entry = *entries++, minus = entry >> 31;  // without a branch: half of them would go wrong
        const Real sign = kSigns<Real>[-minus];
        Real* const to = sums + (entry ^ minus) * kStrip;
        for (int i = 0; i < kStrip; ++i) to[i] += sign * column[i];
      }
    }
    for (int i = 0; i < kStrip; ++i) squares[i] += static_cast<double>(some[i]);
  }
  double sum = 0;
  for (int i = 0; i < kStrip; ++i) sum += squares[i];
  return sum;
}

template <class Real>
void center(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const Real* __restrict high,
            const Real* __restrict low, std::int64_t lanes, Real* __restrict panels) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t first = 0; first < n; first += lanes) {
      const Real* const row = x + i * stride + first;
      Real* const to = panels + first * rows + i * lanes;
      const std::int64_t count = n - first < lanes ? n - first : lanes;
      for (std::int64_t j = 0; j < count; ++j) to[j] = row[j] - high[first + j] - low[first + j];
      for (std::int64_t j = count; j < lanes; ++j) to[j] = Real(0);
    }
}

void add_outer(std::int64_t rows, std::int64_t n, const double* left, const double* __restrict right,
               double* __restrict to, std::int64_t leading) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < n; ++j) to[i * leading + j] += left[i] * right[j];
}

}  // namespace

namespace sketch_isa::NOISEUTILS_ISA {
const SketchKernels<float> kFloat = {add_rows<float>, add_signed<float>, center<float>, add_outer};
const SketchKernels<double> kDouble = {add_rows<double>, add_signed<double>, center<double>, add_outer};
}  // namespace sketch_isa::NOISEUTILS_ISA

}  // namespace noiseutils

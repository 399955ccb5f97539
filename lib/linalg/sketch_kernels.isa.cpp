// Compiled once for each instruction set: nothing here may have external linkage but the tables at the end, or the
// linker could keep a copy that the processor cannot run. Plain loops that the compiler vectorises at -O3.
#include "linalg/sketch_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kStrip = SketchKernels<float>::kStrip;
constexpr std::int64_t kColumns = 16;  // transposed at a time: a line of floats of each row

template <class Real>
void add_rows(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, double* __restrict sums) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const Real* const row = x + i * stride;
    for (std::int64_t j = 0; j < n; ++j) sums[j] += static_cast<double>(row[j]);
  }
}

/// columns[j * kStrip + i] = x[i * stride + j] - mean[j], j < n.
template <class Real>
void transpose_centred(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride,
                       const double* __restrict mean, Real* __restrict columns) {
  alignas(64) Real line[kColumns];
  for (std::int64_t i = 0; i < rows; ++i) {
    const Real* const row = x + i * stride;
    if (n == kColumns) {
      for (int j = 0; j < kColumns; ++j) line[j] = static_cast<Real>(static_cast<double>(row[j]) - mean[j]);
      for (int j = 0; j < kColumns; ++j) columns[j * kStrip + i] = line[j];
    } else {
      for (std::int64_t j = 0; j < n; ++j)
        columns[j * kStrip + i] = static_cast<Real>(static_cast<double>(row[j]) - mean[j]);
    }
  }
}

template <class Real>
double add_signed(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const double* mean,
                  const std::int32_t* entries, std::int64_t per_row, Real* sums) {
  alignas(64) Real columns[kColumns * kStrip] = {};
  alignas(64) double squares[kStrip] = {};
  for (std::int64_t first = 0; first < n; first += kColumns) {
    const std::int64_t count = n - first < kColumns ? n - first : kColumns;
    transpose_centred(rows, count, x + first, stride, mean + first, columns);
    alignas(64) Real some[kStrip] = {};
    for (std::int64_t j = 0; j < count; ++j) {
      alignas(64) Real column[kStrip];
      for (int i = 0; i < kStrip; ++i) column[i] = columns[j * kStrip + i];
      for (int i = 0; i < kStrip; ++i) some[i] += column[i] * column[i];
      for (std::int64_t t = 0; t < per_row; ++t) {
        const std::int32_t entry = *entries++;
        const Real sign = entry < 0 ? Real(-1) : Real(1);
        Real* const to = sums + (entry < 0 ? -1 - entry : entry) * kStrip;
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
void center(std::int64_t rows, std::int64_t n, const Real* x, std::int64_t stride, const double* __restrict mean,
            std::int64_t lanes, Real* __restrict panel) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const Real* const row = x + i * stride;
    Real* const to = panel + i * lanes;
    for (std::int64_t j = 0; j < n; ++j) to[j] = static_cast<Real>(static_cast<double>(row[j]) - mean[j]);
    for (std::int64_t j = n; j < lanes; ++j) to[j] = Real(0);
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

#include "model/cascade_kernels.hpp"

// Compiled once for each instruction set: nothing but the table has external linkage, or the linker could keep a copy
// that the processor cannot run. For the same reason no header with inline functions is included.
namespace noiseutils::cascade_isa::NOISEUTILS_ISA {
namespace {

constexpr std::int64_t kPiece = 64;  // columns whose sums stay in registers or the first cache

void centre(std::int64_t d, std::int64_t n, float* x, float* norms) {
  const float share = 1.0F / static_cast<float>(d);
  for (std::int64_t first = 0; first < n; first += kPiece) {
    const std::int64_t count = n - first < kPiece ? n - first : kPiece;
    float mean[kPiece] = {}, square[kPiece] = {};
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < count; ++j) mean[j] += x[i * n + first + j];
    for (std::int64_t j = 0; j < count; ++j) mean[j] *= share;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < count; ++j) {
        const float value = x[i * n + first + j] - mean[j];
        x[i * n + first + j] = value;
        square[j] += value * value;
      }
    for (std::int64_t j = 0; j < count; ++j) norms[first + j] = square[j];
  }
}

void challenge(std::int64_t rank, std::int64_t n, const float* v, const float* norms, float constant, float share,
               std::int32_t k, float* __restrict best, std::int32_t* __restrict label) {
  for (std::int64_t first = 0; first < n; first += kPiece) {
    const std::int64_t count = n - first < kPiece ? n - first : kPiece;
    float sum[kPiece] = {};
    for (std::int64_t i = 0; i < rank; ++i)
      for (std::int64_t j = 0; j < count; ++j) sum[j] += v[i * n + first + j] * v[i * n + first + j];
    for (std::int64_t j = 0; j < count; ++j) {
      const float score = constant + 0.5F * (sum[j] - share * norms[first + j]);
      const bool better = score > best[first + j];
      label[first + j] = better ? k : label[first + j];
      best[first + j] = better ? score : best[first + j];
    }
  }
}

void slide(std::int64_t n, const float* a, const float* b, float* __restrict oldest, float* __restrict column) {
  for (std::int64_t c = 0; c < n; ++c) {
    const float difference = a[c] - b[c];
    const float square = difference * difference;
    column[c] += square - oldest[c];
    oldest[c] = square;
  }
}

/// p gets what q has to tell, and no other pixel is written: p and q may be pixels of one row.
void gather(std::int64_t n, const float* weight, const float* noisy, float* __restrict sum, float* __restrict total) {
  for (std::int64_t i = 0; i < n; ++i) {
    sum[i] += weight[i] * noisy[i];
    total[i] += weight[i];
  }
}

void average(const GuidedRow& row, const float* columns, float* __restrict scratch) {
  float* __restrict narrow = scratch;
  float* __restrict wide = scratch + row.n;
  const float inverse_narrow = row.inverse_narrow, inverse_wide = row.inverse_wide;
  for (std::int64_t i = 0; i < row.n; ++i) {
    const float* c = columns + i;
    const float distance = ((c[0] + c[1]) + (c[2] + c[3])) + ((c[4] + c[5]) + c[6]);
    float a = 1.0F - distance * inverse_narrow, b = 1.0F - distance * inverse_wide;
    a = a > 0 ? a : 0;
    b = b > 0 ? b : 0;
    narrow[i] = a * a;
    wide[i] = b * b;
  }
  gather(row.n, narrow, row.noisy_q, row.sum_narrow_p, row.weight_narrow_p);
  gather(row.n, narrow, row.noisy_p, row.sum_narrow_q, row.weight_narrow_q);
  gather(row.n, wide, row.noisy_q, row.sum_wide_p, row.weight_wide_p);
  gather(row.n, wide, row.noisy_p, row.sum_wide_q, row.weight_wide_q);
}

}  // namespace

extern const CascadeKernels kKernels;
const CascadeKernels kKernels = {centre, challenge, slide, average};

}  // namespace noiseutils::cascade_isa::NOISEUTILS_ISA

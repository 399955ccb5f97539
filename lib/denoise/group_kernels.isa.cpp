#include "denoise/group_kernels.hpp"

// Compiled once for each instruction set: nothing but the table has external linkage, or the linker could keep a copy
// that the processor cannot run. For the same reason no header with inline functions is included.
namespace noiseutils::group_isa::NOISEUTILS_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
constexpr int kRows = 8;  // of a block of products: 24 accumulators of 32 registers
#elif defined(__AVX__)
constexpr int kBytes = 32;
constexpr int kRows = 4;  // 12 of 16
#else
constexpr int kBytes = 16;
constexpr int kRows = 4;
#endif
constexpr int kVectors = 3;  // beside each other in a block of products
constexpr int kLanes = kBytes / 4;

typedef float Vector __attribute__((vector_size(kBytes)));
typedef std::int32_t Mask __attribute__((vector_size(kBytes)));

inline Vector load(const float* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

inline void store(float* to, Vector value) { __builtin_memcpy(to, &value, sizeof value); }

inline Vector masked(Vector value, Mask keep) { return reinterpret_cast<Vector>(reinterpret_cast<Mask>(value) & keep); }

constexpr std::int64_t vectors_of(std::int64_t columns) { return (columns + kLanes - 1) / kLanes; }

template <int kCount>
void distances_in_row(const float* reference, const float* from, std::int64_t stride, std::int64_t patch, float* out) {
  Vector sum[kCount];
  for (int v = 0; v < kCount; ++v) sum[v] = load(out + v * kLanes);
  for (std::int64_t r = 0; r < patch; ++r)
    for (std::int64_t c = 0; c < patch; ++c) {
      const float pixel = reference[r * stride + c];
      const float* candidates = from + r * stride + c;
#pragma GCC unroll 4
      for (int v = 0; v < kCount; ++v) {
        const Vector difference = load(candidates + v * kLanes) - pixel;
        sum[v] += difference * difference;
      }
    }
  for (int v = 0; v < kCount; ++v) store(out + v * kLanes, sum[v]);
}

void add_distances(const float* reference, const float* first, std::int64_t stride, std::int64_t patch,
                   std::int64_t rows, std::int64_t columns, float* out, std::int64_t leading) {
  const std::int64_t vectors = vectors_of(columns);
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* from = first + i * stride;
    float* to = out + i * leading;
    std::int64_t v = 0;
    for (; v + 4 <= vectors; v += 4) distances_in_row<4>(reference, from + v * kLanes, stride, patch, to + v * kLanes);
    if (vectors - v == 3) distances_in_row<3>(reference, from + v * kLanes, stride, patch, to + v * kLanes);
    if (vectors - v == 2) distances_in_row<2>(reference, from + v * kLanes, stride, patch, to + v * kLanes);
    if (vectors - v == 1) distances_in_row<1>(reference, from + v * kLanes, stride, patch, to + v * kLanes);
  }
}

std::int64_t count_up_to(const float* values, std::int64_t n, float limit) {
  Mask count[4] = {};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int v = 0; v < 4; ++v) count[v] += load(values + i + v * kLanes) <= limit;  // -1 where true
  for (; i < n; i += kLanes) count[0] += load(values + i) <= limit;
  const Mask all = count[0] + count[1] + count[2] + count[3];
  std::int64_t total = 0;
  for (int lane = 0; lane < kLanes; ++lane) total -= all[lane];
  return total;
}

/// A block of kCount rows and kWide vectors of a product.
template <int kCount, int kWide>
inline void block(std::int64_t depth, const float* a, std::int64_t row_step, std::int64_t depth_step, const float* b,
                  std::int64_t leading_b, float* c, std::int64_t leading_c) {
  Vector sum[kCount][kWide];
#pragma GCC unroll 8
  for (int i = 0; i < kCount; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < kWide; ++v) sum[i][v] = Vector{};
  for (std::int64_t l = 0; l < depth; ++l, a += depth_step, b += leading_b) {
    Vector row[kWide] = {};
#pragma GCC unroll 3
    for (int v = 0; v < kWide; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i)
#pragma GCC unroll 3
      for (int v = 0; v < kWide; ++v) sum[i][v] += row[v] * a[i * row_step];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kCount; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < kWide; ++v) store(c + i * leading_c + v * kLanes, sum[i][v]);
}

template <int kWide>
void product_of_columns(std::int64_t rows, std::int64_t depth, const float* a, std::int64_t row_step,
                        std::int64_t depth_step, const float* b, std::int64_t leading_b, float* c,
                        std::int64_t leading_c) {
  std::int64_t i = 0;
  for (; i + kRows <= rows; i += kRows)
    block<kRows, kWide>(depth, a + i * row_step, row_step, depth_step, b, leading_b, c + i * leading_c, leading_c);
  if constexpr (kRows > 4)
    for (; i + 4 <= rows; i += 4)
      block<4, kWide>(depth, a + i * row_step, row_step, depth_step, b, leading_b, c + i * leading_c, leading_c);
  for (; i < rows; ++i)
    block<1, kWide>(depth, a + i * row_step, row_step, depth_step, b, leading_b, c + i * leading_c, leading_c);
}

void product(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a, std::int64_t row_step,
             std::int64_t depth_step, const float* b, std::int64_t leading_b, float* c, std::int64_t leading_c) {
  std::int64_t left = vectors_of(columns);
  for (; left >= kVectors; left -= kVectors, b += kVectors * kLanes, c += kVectors * kLanes)
    product_of_columns<kVectors>(rows, depth, a, row_step, depth_step, b, leading_b, c, leading_c);
  if (left == 2) product_of_columns<2>(rows, depth, a, row_step, depth_step, b, leading_b, c, leading_c);
  if (left == 1) product_of_columns<1>(rows, depth, a, row_step, depth_step, b, leading_b, c, leading_c);
}

/// Gauss-Jordan elimination of the 4 x 4 matrix a.
inline void invert_small(float a[4][4], float floor) {
  for (int k = 0; k < 4; ++k) {
    const float inverse = 1.0F / (a[k][k] > floor ? a[k][k] : floor);
    a[k][k] = 1.0F;
    for (int j = 0; j < 4; ++j) a[k][j] *= inverse;
    for (int i = 0; i < 4; ++i) {
      if (i == k) continue;
      const float factor = a[i][k];
      a[i][k] = 0.0F;
      for (int j = 0; j < 4; ++j) a[i][j] -= factor * a[k][j];
    }
  }
}

/// Four pivots at a time: each row is loaded and stored once for four of them, which takes a third of the time of one
/// by one.
template <int kWide>
void invert_wide(std::int64_t n, float* a, std::int64_t leading, float floor) {
  constexpr std::int32_t kFirst[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Mask first = {};
  __builtin_memcpy(&first, kFirst, sizeof first);
  const Vector ones = Vector{} + 1.0F;
  for (std::int64_t k = 0; k < n; k += 4) {
    float small[4][4];
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) small[i][j] = a[(k + i) * leading + k + j];
    invert_small(small, floor);

    // The rows of the pivots, with the unit matrix in their own columns, times the inverse of the four.
    Vector pivot[4][kWide] = {};
    Mask keep[kWide] = {};  // all columns but those of the pivots
#pragma GCC unroll 9
    for (int v = 0; v < kWide; ++v) {
      const Mask column = first + static_cast<std::int32_t>(v * kLanes - k);
      keep[v] = (column < 0) | (column > 3);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const Vector row = masked(load(a + (k + j) * leading + v * kLanes), keep[v]) + masked(ones, column == j);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) pivot[i][v] += row * small[i][j];
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
#pragma GCC unroll 9
      for (int v = 0; v < kWide; ++v) store(a + (k + i) * leading + v * kLanes, pivot[i][v]);

    for (std::int64_t i = 0; i < n; ++i) {
      if (i == k) i += 4;
      if (i == n) break;
      float* row = a + i * leading;
      const float factor[4] = {row[k], row[k + 1], row[k + 2], row[k + 3]};
#pragma GCC unroll 9
      for (int v = 0; v < kWide; ++v) {
        Vector value = masked(load(row + v * kLanes), keep[v]);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) value -= pivot[j][v] * factor[j];
        store(row + v * kLanes, value);
      }
    }
  }
}

void invert(std::int64_t n, float* a, std::int64_t leading, float floor) {
  if (n == 16)
    invert_wide<static_cast<int>(vectors_of(16))>(n, a, leading, floor);
  else
    invert_wide<static_cast<int>(vectors_of(36))>(n, a, leading, floor);
}

void centre(std::int64_t rows, float* a, float* mean) {
  constexpr int kWide = static_cast<int>(kGroupLeading / kLanes);
  const float share = 1.0F / static_cast<float>(rows);
  for (int v = 0; v < kWide; ++v) {
    float* column = a + v * kLanes;
    Vector sum = {};
    for (std::int64_t i = 0; i < rows; ++i) sum += load(column + i * kGroupLeading);
    sum *= share;
    store(mean + v * kLanes, sum);
    for (std::int64_t i = 0; i < rows; ++i) store(column + i * kGroupLeading, load(column + i * kGroupLeading) - sum);
  }
}

void row_norms(std::int64_t rows, const float* t, const float* x, float l, float* q) {
  typedef float Lanes16 __attribute__((vector_size(64)));
  typedef float Lanes8 __attribute__((vector_size(32)));
  typedef float Lanes4 __attribute__((vector_size(16)));
  for (std::int64_t i = 0; i < rows; ++i, t += kGroupLeading, x += kGroupLeading) {
    Lanes16 sum = {};
    for (int c = 0; c < kGroupLeading; c += 16) {
      Lanes16 a, b;
      __builtin_memcpy(&a, t + c, sizeof a);
      __builtin_memcpy(&b, x + c, sizeof b);
      sum += a * (b - l * a);
    }
    Lanes8 half[2];
    __builtin_memcpy(half, &sum, sizeof half);
    half[0] += half[1];
    Lanes4 quarter[2];
    __builtin_memcpy(quarter, half, sizeof quarter);
    quarter[0] += quarter[1];
    q[i] = (quarter[0][0] + quarter[0][2]) + (quarter[0][1] + quarter[0][3]);
  }
}

void finish(std::int64_t rows, const float* mean, const float* other, float* a) {
  constexpr int kWide = static_cast<int>(kGroupLeading / kLanes);
  for (int v = 0; v < kWide; ++v) {
    const Vector offset = load(mean + v * kLanes);
    for (std::int64_t i = v * kLanes; i < rows * kGroupLeading; i += kGroupLeading) {
      Vector value = load(a + i);
      if (other != nullptr) value = (value + load(other + i)) * 0.5F;
      store(a + i, value + offset);
    }
  }
}

}  // namespace

extern const GroupKernels kKernels = {add_distances, count_up_to, product, invert, centre, row_norms, finish};

}  // namespace noiseutils::group_isa::NOISEUTILS_ISA

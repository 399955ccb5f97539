#include "linalg/batch_product.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/threads.hpp"
#include "linalg/panel_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRows = 768;     // of one tile of work: even a single large vector keeps several threads busy
constexpr std::int64_t kVectors = 480;  // of one tile: the cost of packing A is spread over them
constexpr std::int64_t kDepth = 256;    // columns of A at a time ...
constexpr std::int64_t kPacked = 192;   // ... by rows: 192 x 256 floats stay in the second cache
constexpr std::int64_t kLine = 16;      // values that are fetched at once while packing

/// panel[k * lanes + i] = from[i * stride + k] for i < count, 0 up to lanes. Values are fetched kLine at a time along
/// k: the lines of the panel that they go to stay in the first cache meanwhile.
template <class T>
void pack(std::int64_t lanes, std::int64_t count, std::int64_t depth, const T* from, std::int64_t stride, T* panel) {
  if (count < lanes) std::fill_n(panel, lanes * depth, T(0));
  for (std::int64_t begin = 0; begin < depth; begin += kLine) {
    const std::int64_t n = std::min(kLine, depth - begin);
    for (std::int64_t i = 0; i < count; ++i) {
      const T* const line = from + i * stride + begin;
      T* to = panel + begin * lanes + i;
      for (std::int64_t k = 0; k < n; ++k, to += lanes) *to = line[k];
    }
  }
}

/// One tile of the result: `count` vectors at `in`, `rows` values of each at `out`.
template <class T>
class Tile {
 public:
  Tile(bool transposed, std::int64_t rows, std::int64_t cols, const T* a, std::int64_t lda)
      : kernels_(panel_kernels<T>()), transposed_(transposed), rows_(rows), cols_(cols), a_(a), lda_(lda) {}

  void multiply(std::int64_t count, const T* in, T* out, std::int64_t ldo) {
    for (std::int64_t first = 0; first < cols_; first += kDepth) {
      const std::int64_t depth = std::min(kDepth, cols_ - first);
      pack_vectors(count, depth, in + first);
      for (std::int64_t row = 0; row < rows_; row += kPacked) {
        const std::int64_t rows = std::min(kPacked, rows_ - row);
        pack_matrix(row, rows, first, depth);
        for (std::int64_t v = 0; v < count; v += kernels_.width)
          for (std::int64_t r = 0; r < rows; r += kernels_.lanes)
            cell(std::min(kernels_.lanes, rows - r), std::min(kernels_.width, count - v), depth,
                 matrix_.data() + r * depth, vectors_.data() + v * depth, out + v * ldo + row + r, ldo, first > 0);
      }
    }
  }

 private:
  void pack_vectors(std::int64_t count, std::int64_t depth, const T* in) {
    const std::int64_t width = kernels_.width;
    vectors_.resize(static_cast<std::size_t>((count + width - 1) / width * width * depth));
    for (std::int64_t v = 0; v < count; v += width)
      pack(width, std::min(width, count - v), depth, in + v * cols_, cols_, vectors_.data() + v * depth);
  }
  void pack_matrix(std::int64_t row, std::int64_t rows, std::int64_t first, std::int64_t depth) {
    const std::int64_t lanes = kernels_.lanes;
    matrix_.resize(static_cast<std::size_t>((rows + lanes - 1) / lanes * lanes * depth));
    for (std::int64_t r = 0; r < rows; r += lanes) {
      const std::int64_t n = std::min(lanes, rows - r);
      T* const panel = matrix_.data() + r * depth;
      if (transposed_) {
        for (std::int64_t k = 0; k < depth; ++k) {
          std::copy_n(a_ + (first + k) * lda_ + row + r, n, panel + k * lanes);
          std::fill_n(panel + k * lanes + n, lanes - n, T(0));
        }
      } else {
        pack(lanes, n, depth, a_ + (row + r) * lda_ + first, lda_, panel);
      }
    }
  }
  /// One call of the kernel; at the edges by way of a whole cell, so that every element is computed alike.
  void cell(std::int64_t rows, std::int64_t vectors, std::int64_t depth, const T* left, const T* right, T* out,
            std::int64_t ldo, bool add) {
    if (rows == kernels_.lanes && vectors == kernels_.width) {
      kernels_.multiply(depth, left, right, kernels_.width, out, ldo, add);
      return;
    }
    cell_.resize(static_cast<std::size_t>(kernels_.lanes * kernels_.width));
    kernels_.multiply(depth, left, right, kernels_.width, cell_.data(), kernels_.lanes, false);
    for (std::int64_t v = 0; v < vectors; ++v)
      for (std::int64_t r = 0; r < rows; ++r) {
        const T value = cell_[static_cast<std::size_t>(v * kernels_.lanes + r)];
        out[v * ldo + r] = add ? out[v * ldo + r] + value : value;
      }
  }

  const PanelKernels<T>& kernels_;
  bool transposed_;
  std::int64_t rows_, cols_;
  const T* a_;
  std::int64_t lda_;
  std::vector<T> matrix_, vectors_, cell_;
};

}  // namespace

template <class T>
void batch_product(bool transposed, std::int64_t rows, std::int64_t cols, const T* a, std::int64_t count, const T* in,
                   T* out) {
  const std::int64_t lda = transposed ? rows : cols;
  const std::int64_t row_tiles = (rows + kRows - 1) / kRows, vector_tiles = (count + kVectors - 1) / kVectors;
  parallel_blocks(row_tiles * vector_tiles, [&](std::int64_t tile) {
    const std::int64_t row = tile % row_tiles * kRows, first = tile / row_tiles * kVectors;
    Tile<T>(transposed, std::min(kRows, rows - row), cols, transposed ? a + row : a + row * cols, lda)
        .multiply(std::min(kVectors, count - first), in + first * cols, out + first * rows + row, rows);
  });
}

template void batch_product<float>(bool, std::int64_t, std::int64_t, const float*, std::int64_t, const float*, float*);
template void batch_product<double>(bool, std::int64_t, std::int64_t, const double*, std::int64_t, const double*,
                                    double*);

}  // namespace noiseutils

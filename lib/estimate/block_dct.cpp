#include "estimate/block_dct.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kSide = kBlockSide;
constexpr double kHighCount = 21, kLowCount = 63 - kHighCount;
using Matrix = std::array<std::array<double, kSide>, kSide>;

/// Rows are the orthonormal cosines of the DCT-II.
const Matrix& cosines() {
  static const Matrix matrix = [] {
    Matrix all;
    for (std::size_t i = 0; i < kSide; ++i)
      for (std::size_t p = 0; p < kSide; ++p)
        all[i][p] = std::sqrt((i == 0 ? 1.0 : 2.0) / 8) *
                    std::cos(std::numbers::pi * (2 * static_cast<double>(p) + 1) * static_cast<double>(i) / 16);
    return all;
  }();
  return matrix;
}

/// Where the blocks of a plane lie: corner (r stride, c stride).
struct Grid {
  std::int64_t stride, rows, cols;

  Grid(const Plane& plane, std::size_t planes) {
    const double most = std::clamp(double{1 << 20} / static_cast<double>(planes), double{1 << 13}, double{1 << 18});
    const double pixels = static_cast<double>(plane.height) * static_cast<double>(plane.width);
    stride = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(std::sqrt(pixels / most))));
    rows = (plane.height - kBlockSide) / stride + 1;
    cols = (plane.width - kBlockSide) / stride + 1;
  }
};

/// The coefficients of a row of blocks, `cols` values for each frequency; kept to spare allocations.
class BlockRow {
 public:
  BlockRow(const Plane& plane, const Grid& grid)
      : plane_(plane),
        grid_(grid),
        cols_(static_cast<std::size_t>(grid.cols)),
        rows_(kFrequencies * cols_),
        coefficients_(kFrequencies * cols_) {}

  void load(std::int64_t row) {
    const double* values = plane_.values().data();
    for (std::size_t k = 0; k < kSide; ++k) {
      const double* line = values + (row * grid_.stride + static_cast<std::int64_t>(k)) * plane_.width;
      for (std::size_t j = 0; j < kSide; ++j) {
        double* out = rows_.data() + (k * kSide + j) * cols_;
        const auto& cosine = cosines()[j];
        for (std::size_t c = 0; c < cols_; ++c) {
          const double* x = line + static_cast<std::int64_t>(c) * grid_.stride;
          double sum = 0;
          for (std::size_t p = 0; p < kSide; ++p) sum += cosine[p] * x[p];
          out[c] = sum;
        }
      }
    }
    for (std::size_t i = 0; i < kSide; ++i)
      for (std::size_t j = 0; j < kSide; ++j) {
        double* out = coefficients_.data() + (i * kSide + j) * cols_;
        std::fill(out, out + cols_, 0.0);
        for (std::size_t k = 0; k < kSide; ++k) {
          const double* in = rows_.data() + (k * kSide + j) * cols_;
          const double weight = cosines()[i][k];
          for (std::size_t c = 0; c < cols_; ++c) out[c] += weight * in[c];
        }
      }
  }
  const double* coefficient(std::size_t frequency) const { return coefficients_.data() + frequency * cols_; }
  std::size_t cols() const { return cols_; }

 private:
  const Plane& plane_;
  const Grid& grid_;
  std::size_t cols_;
  std::vector<double> rows_, coefficients_;
};

/// Calls work(chunk, first row, last row) for chunks of rows of blocks, in parallel.
constexpr std::int64_t kChunks = 32;
void for_chunks(const Grid& grid, const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& work) {
  parallel_blocks(kChunks, [&](std::int64_t chunk) {
    const std::int64_t from = grid.rows * chunk / kChunks, to = grid.rows * (chunk + 1) / kChunks;
    if (from < to) work(chunk, from, to);
  });
}

bool holds_clipped(const Plane& plane, std::int64_t row, std::int64_t col) {
  for (std::int64_t r = row; r < row + kBlockSide; ++r)
    for (std::int64_t c = col; c < col + kBlockSide; ++c)
      if (plane.is_clipped(plane.values()[static_cast<std::size_t>(r * plane.width + c)])) return true;
  return false;
}

void add_blocks(const Plane& plane, std::uint16_t number, const Grid& grid, std::vector<Block>& blocks) {
  const bool clips = std::isfinite(plane.clip_low) || std::isfinite(plane.clip_high);
  std::vector<std::vector<Block>> found(kChunks);
  for_chunks(grid, [&](std::int64_t chunk, std::int64_t from, std::int64_t to) {
    BlockRow row(plane, grid);
    std::vector<double> low(row.cols()), high(row.cols());
    for (std::int64_t r = from; r < to; ++r) {
      row.load(r);
      std::fill(low.begin(), low.end(), 0.0);
      std::fill(high.begin(), high.end(), 0.0);
      for (std::size_t f = 1; f < kFrequencies; ++f) {
        std::vector<double>& into = static_cast<int>(f / kSide + f % kSide) >= kFirstHigh ? high : low;
        const double* value = row.coefficient(f);
        for (std::size_t c = 0; c < row.cols(); ++c) into[c] += value[c] * value[c];
      }
      for (std::int64_t c = 0; c < grid.cols; ++c) {
        const auto at = static_cast<std::size_t>(c);
        const double mean = row.coefficient(0)[at] / kBlockSide;
        // Squares of rounding: values that are all the same leave no more.
        if (low[at] + high[at] <= 1e-26 * mean * mean) continue;
        if (clips && holds_clipped(plane, r * grid.stride, c * grid.stride)) continue;
        found[static_cast<std::size_t>(chunk)].push_back(
            {static_cast<float>(mean), static_cast<float>(low[at] / kLowCount),
             static_cast<float>(high[at] / kHighCount),
             static_cast<std::uint8_t>(Plane::tile(r, grid.rows, c, grid.cols)), number,
             static_cast<std::uint32_t>(r * grid.cols + c)});
      }
    }
  });
  for (const auto& part : found) blocks.insert(blocks.end(), part.begin(), part.end());
}

}  // namespace

const std::vector<std::size_t>& high_frequencies() {
  static const std::vector<std::size_t> all = [] {
    std::vector<std::size_t> list;
    for (std::size_t f = 0; f < kFrequencies; ++f)
      if (static_cast<int>(f / kSide + f % kSide) >= kFirstHigh) list.push_back(f);
    return list;
  }();
  return all;
}

std::vector<Block> dct_blocks(const std::vector<Plane>& planes) {
  if (planes.size() > std::numeric_limits<std::uint16_t>::max())
    throw DataError("has " + std::to_string(planes.size()) + " planes; noise is estimated from at most 65535");
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < planes.size(); ++i)
    add_blocks(planes[i], static_cast<std::uint16_t>(i), Grid(planes[i], planes.size()), blocks);
  if (blocks.empty())
    throw DataError("all 8x8 blocks are constant or hold clipped values: nothing to measure noise by");
  return blocks;
}

std::array<double, kFrequencies> BlockSpectrum::mean(std::size_t without) const {
  std::array<double, kFrequencies> sums{};
  double total = 0;
  for (std::size_t tile = 0; tile < kTiles; ++tile) {
    if (tile == without) continue;
    total += weight[tile];
    for (std::size_t f = 0; f < kFrequencies; ++f) sums[f] += squares[tile][f];
  }
  for (double& sum : sums) sum = total > 0 ? sum / total : std::numeric_limits<double>::quiet_NaN();
  return sums;
}

BlockSpectrum spectrum_of(const std::vector<Plane>& planes, const std::vector<Block>& blocks,
                          const std::vector<double>& weights) {
  BlockSpectrum total;
  std::size_t begin = 0;
  for (std::size_t number = 0; number < planes.size(); ++number) {
    const Plane& plane = planes[number];
    const Grid grid(plane, planes.size());
    std::size_t end = begin;
    while (end < blocks.size() && blocks[end].plane == number) ++end;
    const auto first_of_row = [&](std::int64_t row) {  // blocks of a plane are in order
      return std::lower_bound(blocks.begin() + static_cast<std::ptrdiff_t>(begin),
                              blocks.begin() + static_cast<std::ptrdiff_t>(end), row * grid.cols,
                              [](const Block& block, std::int64_t place) { return block.place < place; });
    };
    std::vector<BlockSpectrum> parts(kChunks);
    for_chunks(grid, [&](std::int64_t chunk, std::int64_t from, std::int64_t to) {
      BlockSpectrum& part = parts[static_cast<std::size_t>(chunk)];
      BlockRow row(plane, grid);
      for (std::int64_t r = from; r < to; ++r) {
        const auto first = first_of_row(r), last = first_of_row(r + 1);
        const auto weight_of = [&](auto block) { return weights[static_cast<std::size_t>(block - blocks.begin())]; };
        if (std::none_of(weights.begin() + (first - blocks.begin()), weights.begin() + (last - blocks.begin()),
                         [](double weight) { return weight > 0; }))
          continue;
        row.load(r);
        for (auto block = first; block != last; ++block) {
          const double weight = weight_of(block);
          if (weight <= 0) continue;
          const auto col = static_cast<std::size_t>(block->place % static_cast<std::uint32_t>(grid.cols));
          part.weight[block->tile] += 1;
          for (std::size_t f = 0; f < kFrequencies; ++f) {
            const double value = row.coefficient(f)[col];
            part.squares[block->tile][f] += weight * value * value;
          }
        }
      }
    });
    for (const BlockSpectrum& part : parts)
      for (std::size_t tile = 0; tile < kTiles; ++tile) {
        total.weight[tile] += part.weight[tile];
        for (std::size_t f = 0; f < kFrequencies; ++f) total.squares[tile][f] += part.squares[tile][f];
      }
    begin = end;
  }
  return total;
}

}  // namespace noiseutils

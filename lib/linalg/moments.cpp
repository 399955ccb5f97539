#include "linalg/moments.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/panel_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kWaveBytes = std::int64_t{32} << 20;
constexpr std::int64_t kBlocksPerGroup = 8;  // a tile of S is fetched and stored once a group, not once a block
constexpr std::int64_t kGroupsPerWave = 16;
constexpr std::int64_t kSmallDim = 512;  // up to here threads share out groups of blocks, above it tiles of S
// A tile and its two operands, 192^2 doubles and 2 * 192 * 256 floats, stay in a megabyte of cache. It is a multiple of
// the lanes of every kernel.
constexpr std::int64_t kTile = 192;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

void for_each(std::int64_t n, bool parallel, const std::function<void(std::int64_t)>& work) {
  if (parallel) return parallel_blocks(n, work);
  for (std::int64_t i = 0; i < n; ++i) work(i);
}

}  // namespace

template <class T>
MomentAccumulator<T>::MomentAccumulator(std::int64_t dim)
    : dim_(dim),
      lanes_(panel_kernels<T>().lanes),
      padded_dim_((dim + panel_kernels<T>().lanes - 1) / panel_kernels<T>().lanes * panel_kernels<T>().lanes),
      edges_(dim) {
  const std::int64_t block_bytes = kBlock * dim * static_cast<std::int64_t>(sizeof(T));
  blocks_per_group_ = std::clamp<std::int64_t>(kWaveBytes / block_bytes, 1, kBlocksPerGroup);
  groups_per_wave_ =
      dim > kSmallDim ? 1 : std::clamp<std::int64_t>(kWaveBytes / (block_bytes * kBlocksPerGroup), 1, kGroupsPerWave);
  const std::int64_t width = panel_kernels<T>().width;
  for (std::int64_t col = 0; col < dim; col += kTile)
    for (std::int64_t row = 0; row <= col; row += kTile) {
      const Tile tile{
          row,         col, std::min(kTile, dim - row), std::min(kTile, dim - col), std::min(kTile, padded_dim_ - row),
          tile_values_};
      tiles_.push_back(tile);
      tile_values_ += index(tile.leading * ((tile.cols + width - 1) / width * width));
    }
  total_ = empty_scatter();
}

template <class T>
typename MomentAccumulator<T>::Scatter MomentAccumulator<T>::empty_scatter() const {
  return {0, std::vector<double>(index(dim_)), std::vector<double>(tile_values_)};
}

template <class T>
std::int64_t MomentAccumulator<T>::count() const {
  std::int64_t n = total_.count;
  for (const Block& block : blocks_) n += block.rows;
  return n + edges_.count();
}

template <class T>
void MomentAccumulator<T>::add(std::int64_t first, std::span<const T> rows) {
  edges_.add(first, rows, queue());
}

/// Takes whole blocks, one after the other, or what there is of one.
template <class T>
typename EdgeRows<T>::Take MomentAccumulator<T>::queue() {
  return [this](const T* rows, std::int64_t count) { add_whole({rows, index(count * dim_)}); };
}

template <class T>
void MomentAccumulator<T>::add_whole(std::span<const T> rows) {
  const std::int64_t n = static_cast<std::int64_t>(rows.size()) / dim_;
  for (std::int64_t i = 0; i < n; i += kBlock) queue_block(rows.data() + i * dim_, std::min(kBlock, n - i));
}

template <class T>
void MomentAccumulator<T>::queue_block(const T* rows, std::int64_t count) {
  blocks_.push_back({wave_.size(), wave_.size() / index(dim_) * index(padded_dim_), count, {}});
  wave_.reserve(index(blocks_per_group_ * groups_per_wave_ * kBlock * dim_));
  wave_.insert(wave_.end(), rows, rows + count * dim_);
  if (static_cast<std::int64_t>(blocks_.size()) == blocks_per_group_ * groups_per_wave_) flush();
}

/// Rows of one block. A block that has become complete is queued.
template <class T>
void MomentAccumulator<T>::skip(std::int64_t index) {
  edges_.skip(index, queue());
}

template <class T>
void MomentAccumulator<T>::close() {
  edges_.flush(queue());
}

/// The block's mean, and its rows about it in panels.
template <class T>
void MomentAccumulator<T>::center(Block& block) {
  block.mean.assign(index(padded_dim_), 0);
  const T* const rows = wave_.data() + block.offset;
  double* const mean = block.mean.data();
  for (std::int64_t i = 0; i < block.rows; ++i)
#pragma omp simd  // without it -O2 leaves these loops scalar
    for (std::int64_t j = 0; j < dim_; ++j) mean[j] += static_cast<double>(rows[i * dim_ + j]);
  for (std::int64_t j = 0; j < dim_; ++j) mean[j] /= static_cast<double>(block.rows);
  for (std::int64_t first = 0; first < dim_; first += lanes_) {
    T* to = panels_.data() + block.panels + first * block.rows;
    const std::int64_t n = std::min(lanes_, dim_ - first);
    for (std::int64_t i = 0; i < block.rows; ++i, to += lanes_) {
      const T* const from = rows + i * dim_ + first;
#pragma omp simd
      for (std::int64_t j = 0; j < n; ++j) to[j] = static_cast<T>(static_cast<double>(from[j]) - mean[first + j]);
      std::fill(to + n, to + lanes_, T(0));
    }
  }
}

/// The panel that begins with `column`, a multiple of the lanes.
template <class T>
const T* MomentAccumulator<T>::panel(const Block& block, std::int64_t column) const {
  return panels_.data() + block.panels + column * block.rows;
}

template <class T>
void MomentAccumulator<T>::flush() {
  if (blocks_.empty()) return;
  panels_.resize(wave_.size() / index(dim_) * index(padded_dim_));
  parallel_blocks(static_cast<std::int64_t>(blocks_.size()), [&](std::int64_t b) { center(blocks_[index(b)]); });
  const auto blocks = std::span<const Block>(blocks_);
  const std::size_t group_size = index(blocks_per_group_);
  if (groups_per_wave_ == 1) {
    for (std::size_t b = 0; b < blocks.size(); b += group_size)
      add_group(total_, blocks.subspan(b, std::min(group_size, blocks.size() - b)), true);
  } else {
    std::vector<Scatter> groups((blocks.size() + group_size - 1) / group_size);
    parallel_blocks(static_cast<std::int64_t>(groups.size()), [&](std::int64_t g) {
      const std::size_t b = index(g) * group_size;
      groups[index(g)] = empty_scatter();
      add_group(groups[index(g)], blocks.subspan(b, std::min(group_size, blocks.size() - b)), false);
    });
    for (const Scatter& group : groups) merge_scatter(total_, group);
  }
  wave_.clear();
  blocks_.clear();
}

/// into += the group. Of sums of squares the parts that means contribute are rank one each: the means of blocks about
/// the mean of the group, and that about the mean of what is there.
template <class T>
void MomentAccumulator<T>::add_group(Scatter& into, std::span<const Block> group, bool parallel) const {
  std::int64_t n = 0;
  for (const Block& block : group) n += block.rows;
  const double n_group = static_cast<double>(n), n_before = static_cast<double>(into.count);
  std::vector<double> shifts(index(dim_) * (group.size() + 1)), group_mean(index(dim_), 0.0);
  for (const Block& block : group)
    for (std::size_t j = 0; j < index(dim_); ++j)
      group_mean[j] += block.mean[j] * (static_cast<double>(block.rows) / n_group);
  for (std::size_t b = 0; b < group.size(); ++b)
    for (std::size_t j = 0; j < index(dim_); ++j)
      shifts[b * index(dim_) + j] = std::sqrt(static_cast<double>(group[b].rows)) * (group[b].mean[j] - group_mean[j]);
  const double weight = std::sqrt(n_before * n_group / (n_before + n_group));
  for (std::size_t j = 0; j < index(dim_); ++j)
    shifts[group.size() * index(dim_) + j] = weight * (group_mean[j] - into.mean[j]);

  for_each(static_cast<std::int64_t>(tiles_.size()), parallel,
           [&](std::int64_t t) { add_tile(into, group, shifts, tiles_[index(t)]); });
  for (std::size_t j = 0; j < index(dim_); ++j)
    into.mean[j] += (group_mean[j] - into.mean[j]) * (n_group / (n_before + n_group));
  into.count += n;
}

template <class T>
void MomentAccumulator<T>::add_tile(Scatter& into, std::span<const Block> group, const std::vector<double>& shifts,
                                    const Tile& tile) const {
  const PanelKernels<T>& kernels = panel_kernels<T>();
  double* const sum = into.tiles.data() + tile.offset;
  for (const Block& block : group)
    for (std::int64_t col = 0; col < tile.cols; col += kernels.width) {
      const std::int64_t in_panel = col % lanes_;
      const T* const right = panel(block, tile.col + col - in_panel) + in_panel;
      // On the diagonal, panels of rows below the column's own have nothing in the upper triangle.
      const std::int64_t rows = tile.row == tile.col ? col - in_panel + lanes_ : tile.leading;
      for (std::int64_t row = 0; row < rows; row += lanes_)
        kernels.add_to_double(block.rows, panel(block, tile.row + row), right, lanes_, sum + col * tile.leading + row,
                              tile.leading);
    }
  gemm<double>(Op::plain, Op::transposed, tile.rows, tile.cols, static_cast<std::int64_t>(group.size()) + 1, 1.0,
               shifts.data() + tile.row, dim_, shifts.data() + tile.col, dim_, 1.0, sum, tile.leading);
}

template <class T>
void MomentAccumulator<T>::merge_scatter(Scatter& into, const Scatter& other) const {
  if (other.count == 0) return;
  const double n_a = static_cast<double>(into.count), n_b = static_cast<double>(other.count);
  const double weight = n_a * n_b / (n_a + n_b);
  std::vector<double> delta(index(dim_));
  for (std::size_t j = 0; j < delta.size(); ++j) delta[j] = other.mean[j] - into.mean[j];
  for (const Tile& tile : tiles_)
    for (std::int64_t c = 0; c < tile.cols; ++c) {
      const std::size_t begin = tile.offset + index(c * tile.leading);
      const double factor = weight * delta[index(tile.col + c)];
      const double* const theirs = other.tiles.data() + begin;
      const double* const shift = delta.data() + tile.row;
      double* const ours = into.tiles.data() + begin;
#pragma omp simd
      for (std::int64_t r = 0; r < tile.rows; ++r) ours[r] += theirs[r] + factor * shift[r];
    }
  for (std::size_t j = 0; j < delta.size(); ++j) into.mean[j] += delta[j] * (n_b / (n_a + n_b));
  into.count += other.count;
}

template <class T>
void MomentAccumulator<T>::merge(const MomentAccumulator& other) {
  if (other.dim_ != dim_)
    throw DataError("statistics of dimension " + std::to_string(other.dim_) + " do not merge with dimension " +
                    std::to_string(dim_));
  flush();
  if (other.blocks_.empty()) return merge_flushed(other);  // what was read from a file: no third copy is made
  MomentAccumulator theirs = other;
  theirs.flush();
  merge_flushed(theirs);
}

template <class T>
void MomentAccumulator<T>::merge_flushed(const MomentAccumulator& other) {
  merge_scatter(total_, other.total_);
  edges_.merge(other.edges_, queue());
}

template <class T>
Moments MomentAccumulator<T>::finish() {
  close();
  flush();
  if (total_.count == 0) throw InternalError("moments of no rows");
  Moments result{total_.count, total_.mean, std::vector<double>(index(dim_ * dim_))};
  const double scale = 1 / static_cast<double>(total_.count);
  for (const Tile& tile : tiles_)
    for (std::int64_t c = 0; c < tile.cols; ++c)
      for (std::int64_t r = 0; r < tile.rows && tile.row + r <= tile.col + c; ++r)
        result.covariance[index((tile.col + c) * dim_ + tile.row + r)] =
            scale * total_.tiles[tile.offset + index(c * tile.leading + r)];
  return result;
}

template class MomentAccumulator<float>;
template class MomentAccumulator<double>;

}  // namespace noiseutils

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "linalg/edge_rows.hpp"

namespace noiseutils {

/// Count, mean and covariance of rows, and how many there were.
struct Moments {
  std::int64_t count = 0;
  std::vector<double> mean;        ///< dim
  std::vector<double> covariance;  ///< dim x dim, column-major, its upper triangle (row <= column); over count
};

/// Mergeable mean and covariance of vectors. Rows are cut into blocks of 256 by their *global* index; each block is
/// centred on its own mean, multiplied out in T (float or double), and merged in double:
///   S = S_a + S_b + (m_b - m_a)(m_b - m_a)^T n_a n_b / (n_a + n_b)
/// A block that a shard has only in part is kept as raw rows until the rest is merged in, so that any split with known
/// indices, merged in any order, gives the moments of the single run but for rounding in double.
/// Same bits for any number of threads. Memory: dim^2 / 2 doubles and about 64 MiB of rows.
/// Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983.
template <class T>
class MomentAccumulator {
 public:
  static constexpr std::int64_t kBlock = EdgeRows<T>::kBlock;

  explicit MomentAccumulator(std::int64_t dim);

  std::int64_t dim() const { return dim_; }
  std::int64_t count() const;  ///< rows so far

  /// Adds rows (rows.size() / dim() of them) with global indices first, first + 1, ...
  void add(std::int64_t first, std::span<const T> rows);
  /// Adds rows that belong together and are never split over shards (the patches of one image), cut into blocks from
  /// their own beginning.
  void add_whole(std::span<const T> rows);
  /// There is no row of this index: its block is complete without it. (A sample that was left out must not keep the
  /// other rows of its block waiting.)
  void skip(std::int64_t index);
  /// Blocks that are incomplete are to stay as they are: what is merged in later brings none of their rows.
  void close();
  void merge(const MomentAccumulator& other);

  /// The moments of all rows, blocks that are still incomplete included: the end of this accumulator. count() >= 1.
  Moments finish();

  /// What merge() needs, to be stored and read back.
  struct State {
    std::int64_t count = 0;  ///< rows in mean and scatter
    std::vector<double> mean;
    std::vector<double> scatter;           ///< upper triangle, column after column: dim (dim + 1) / 2
    std::vector<std::int64_t> edge_index;  ///< global indices of rows of incomplete blocks, rising by block
    std::vector<T> edge_rows;
    std::vector<std::int64_t> edge_skipped;  ///< indices in those blocks of which there is no row
    std::vector<std::int64_t> queue_counts;  ///< of exact_state(): rows of each block that waits to be multiplied out
    std::vector<T> queue_rows;
  };
  State state();
  /// The same, but with the blocks that wait as rows: what goes on from it ends in the same bits as if it had not
  /// stopped. (state() multiplies them out, in a group of its own.)
  State exact_state() const;

  /// A State that lies elsewhere, such as in a mapped file.
  struct StateView {
    std::int64_t count = 0;
    std::span<const double> mean, scatter;
    std::span<const std::int64_t> edge_index;
    std::span<const T> edge_rows;
    std::span<const std::int64_t> edge_skipped = {}, queue_counts = {};
    std::span<const T> queue_rows = {};
  };
  static MomentAccumulator from_state(std::int64_t dim, const StateView& state);
  static MomentAccumulator from_state(std::int64_t dim, const State& state);

 private:
  /// Mean and scatter of rows, the scatter as the tiles of its upper triangle one after the other.
  struct Scatter {
    std::int64_t count = 0;
    std::vector<double> mean, tiles;
  };
  struct Tile {
    std::int64_t row, col, rows, cols;
    std::int64_t leading;  // rows, rounded up to whole panels
    std::size_t offset;
  };

  struct Block {
    std::size_t offset;  // of its first row in wave_
    std::size_t panels;  // of its first panel in panels_
    std::int64_t rows;
    std::vector<double> mean;
  };

  Scatter empty_scatter() const;
  void queue_block(const T* rows, std::int64_t count);
  typename EdgeRows<T>::Take queue();
  void merge_flushed(const MomentAccumulator& other);
  void flush();
  void center(Block& block);
  const T* panel(const Block& block, std::int64_t column) const;
  void add_group(Scatter& into, std::span<const Block> group, bool parallel) const;
  void add_tile(Scatter& into, std::span<const Block> group, const std::vector<double>& shifts, const Tile& tile) const;
  void merge_scatter(Scatter& into, const Scatter& other) const;

  std::int64_t dim_;
  std::int64_t lanes_, padded_dim_;  // a whole number of panels
  std::int64_t blocks_per_group_, groups_per_wave_;
  std::vector<Tile> tiles_;
  std::size_t tile_values_ = 0;
  Scatter total_;
  std::vector<T> wave_;        // rows of the queued blocks
  std::vector<T> panels_;      // the same, centred, as panels of the product's kernel
  std::vector<Block> blocks_;  // the queued blocks
  EdgeRows<T> edges_;
};

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace noiseutils {

/// Cuts rows into blocks of 256 by their *global* index, and keeps those of blocks that are there only in part: whoever
/// works on whole blocks alone gets the same ones however the rows were split, in whatever order the parts are merged.
/// Memory: one block at each end of a run of indices.
template <class T>
class EdgeRows {
 public:
  static constexpr std::int64_t kBlock = 256;
  /// Takes `count` rows one after the other: some whole blocks, or at last what there is of one.
  using Take = std::function<void(const T* rows, std::int64_t count)>;

  explicit EdgeRows(std::int64_t dim) : dim_(dim) {}

  std::int64_t count() const;  ///< rows kept

  /// Rows (rows.size() / dim of them) with global indices first, first + 1 ...: whole blocks go to `take` at once, the
  /// rest is kept. Throws DataError for a row that is kept already, or an index below 0 or above 2^53.
  void add(std::int64_t first, std::span<const T> rows, const Take& take);
  /// The row of this index is left out: its block does not wait for it.
  void skip(std::int64_t index, const Take& take);
  void merge(const EdgeRows& other, const Take& take);
  /// Gives what is kept away, block after block.
  void flush(const Take& take);

  /// Global indices, rising, and rows of all that is kept, and the indices left out of their blocks.
  void save(std::vector<std::int64_t>& index, std::vector<T>& rows, std::vector<std::int64_t>& skipped) const;

 private:
  struct Edge {  // the rows that are there of a block that is incomplete
    std::vector<std::int64_t> index;
    std::vector<T> rows;
    std::vector<std::int64_t> skipped;
  };
  void take_if_complete(std::int64_t block, Edge& edge, const Take& take);
  void keep(std::int64_t first, const T* rows, std::int64_t count, const Take& take);
  void sort(Edge& edge) const;

  std::int64_t dim_;
  std::map<std::int64_t, Edge> edges_;  // by number of the block
};

extern template class EdgeRows<float>;
extern template class EdgeRows<double>;

}  // namespace noiseutils

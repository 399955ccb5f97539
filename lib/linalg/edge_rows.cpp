#include "linalg/edge_rows.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 62;  // indices from here on, and their sums, might overflow

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class T>
std::int64_t EdgeRows<T>::count() const {
  std::int64_t n = 0;
  for (const auto& [block, edge] : edges_) n += std::ssize(edge.index);
  return n;
}

template <class T>
void EdgeRows<T>::add(std::int64_t first, std::span<const T> rows, const Take& take) {
  const std::int64_t count = std::ssize(rows) / dim_;
  if (first < 0 || first > kMost - count)
    throw DataError("sample " + std::to_string(first) + " is beyond what can be counted");
  const std::int64_t last = first + count;
  for (std::int64_t begin = first; begin < last;) {
    const T* row = rows.data() + (begin - first) * dim_;
    std::int64_t end = begin;  // of the whole blocks from here on that nothing is kept of
    while (end % kBlock == 0 && end + kBlock <= last && edges_.find(end / kBlock) == edges_.end()) end += kBlock;
    if (end > begin) {
      take(row, end - begin);
    } else {
      end = std::min(last, (begin / kBlock + 1) * kBlock);
      keep(begin, row, end - begin, take);
    }
    begin = end;
  }
}

template <class T>
void EdgeRows<T>::keep(std::int64_t first, const T* rows, std::int64_t count, const Take& take) {
  Edge& edge = edges_[first / kBlock];
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::find(edge.index.begin(), edge.index.end(), first + i) != edge.index.end())
      throw DataError("sample " + std::to_string(first + i) + " was counted already");
    edge.index.push_back(first + i);
  }
  edge.rows.reserve(index(kBlock * dim_));  // no more: what a block grows beyond it could be a gigabyte
  edge.rows.insert(edge.rows.end(), rows, rows + count * dim_);
  take_if_complete(first / kBlock, edge, take);
}

template <class T>
void EdgeRows<T>::take_if_complete(std::int64_t block, Edge& edge, const Take& take) {
  if (std::ssize(edge.index) + std::ssize(edge.skipped) < kBlock) return;
  sort(edge);
  if (!edge.index.empty()) take(edge.rows.data(), std::ssize(edge.index));
  edges_.erase(block);
}

template <class T>
void EdgeRows<T>::skip(std::int64_t index, const Take& take) {
  Edge& edge = edges_[index / kBlock];
  edge.skipped.push_back(index);
  take_if_complete(index / kBlock, edge, take);
}

/// Parts merged in any order give the block as one run would have read it.
template <class T>
void EdgeRows<T>::sort(Edge& edge) const {
  if (std::is_sorted(edge.index.begin(), edge.index.end())) return;
  std::vector<std::int64_t> order(edge.index.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::int64_t a, std::int64_t b) { return edge.index[index(a)] < edge.index[index(b)]; });
  Edge sorted;
  sorted.skipped = std::move(edge.skipped);
  for (const std::int64_t i : order) {
    sorted.index.push_back(edge.index[index(i)]);
    const auto row = edge.rows.begin() + i * dim_;
    sorted.rows.insert(sorted.rows.end(), row, row + dim_);
  }
  edge = std::move(sorted);
}

template <class T>
void EdgeRows<T>::merge(const EdgeRows& other, const Take& take) {
  for (const auto& [block, edge] : other.edges_) {
    for (std::size_t i = 0; i < edge.index.size(); ++i)
      keep(edge.index[i], edge.rows.data() + i * index(dim_), 1, take);
    for (const std::int64_t skipped : edge.skipped) skip(skipped, take);
  }
}

template <class T>
void EdgeRows<T>::flush(const Take& take) {
  for (auto& [block, edge] : edges_) {
    sort(edge);
    if (!edge.index.empty()) take(edge.rows.data(), std::ssize(edge.index));
  }
  edges_.clear();
}

template <class T>
void EdgeRows<T>::save(std::vector<std::int64_t>& index, std::vector<T>& rows,
                       std::vector<std::int64_t>& skipped) const {
  for (const auto& [block, edge] : edges_) {
    Edge sorted = edge;
    sort(sorted);
    index.insert(index.end(), sorted.index.begin(), sorted.index.end());
    rows.insert(rows.end(), sorted.rows.begin(), sorted.rows.end());
    skipped.insert(skipped.end(), sorted.skipped.begin(), sorted.skipped.end());
  }
}

template class EdgeRows<float>;
template class EdgeRows<double>;

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// Sums over all rows r_i of a table (n x dim), weighted by how near they are to a query q:
///   g_i = q . r_i - |r_i|^2 / 2   (= |q|^2 / 2 - |q - r_i|^2 / 2: the nearest row has the largest),
///   w_i = exp((g_i - top) / t),   top = max_i g_i;   at t = 0: 1 where g_i = top, else 0.
/// Rows should be centred: what cancels in g is then no larger than the spread of the table.
struct SoftmaxSums {
  std::vector<double> top;    ///< max_i g_i, one a query
  std::vector<double> total;  ///< sum_i w_i
  std::vector<double> sum;    ///< sum_i w_i r_i, queries x dim
};

/// The rows of `table` (F32 or F64, n x dim) minus `centre`, read block by block. In one pass over the table with a
/// running maximum, as two matrix products a block, all in double. Rows are cut into fixed segments, which are merged
/// in order, so a query's sums depend neither on the number of threads nor on the queries beside it.
class SoftmaxTable {
 public:
  SoftmaxTable(Tensor table, std::vector<double> centre);

  std::int64_t dim() const { return static_cast<std::int64_t>(centre_.size()); }
  std::int64_t rows() const { return table_.axis(0); }
  const Tensor& table() const { return table_; }
  const std::vector<double>& centre() const { return centre_; }
  /// Queries that are best handed over at once, by the memory they need: some 64 MiB.
  std::int64_t wave() const;

  /// The sums of queries q - centre (given centred, n x dim).
  SoftmaxSums sums(double t, std::span<const double> queries) const;
  /// sum_i w_i / total ((r_i - d) . v) r_i of each query, with d = sum / total of `known`, its sums, and its direction
  /// v: t J v, where sum_i w_i ((r_i - d) . v) = 0 makes it free of the centre.
  std::vector<double> spread(double t, std::span<const double> queries, const SoftmaxSums& known,
                             std::span<const double> directions) const;

 private:
  template <class Visit>
  void for_blocks(std::int64_t segment, Visit&& visit) const;
  std::int64_t segment_rows() const;
  std::int64_t segments() const;

  Tensor table_;
  std::vector<double> centre_;
  std::vector<double> half_squares_;  ///< |r_i|^2 / 2
};

}  // namespace noiseutils

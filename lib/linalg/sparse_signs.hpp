#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// A random d x L test matrix Omega for sketches: each row has min(L, 8) entries +-scale at distinct columns, chosen
/// uniformly, and E Omega^T Omega = I. It costs 8 additions a number of data where a Gaussian one costs 2 L operations
/// and d L numbers of memory, and its sketches are as accurate.
/// Source: Tropp, Yurtsever, Udell, Cevher 2019, "Streaming low-rank matrix approximation with an application to
/// scientific simulation" (sparse sign matrices); Cohen 2016, "Nearly tight oblivious subspace embeddings by trace
/// inequalities".
class SparseSigns {
 public:
  /// Drawn from the Philox stream (seed, Purpose::train, sample 0, copy 5). 1 <= columns <= 2^30.
  SparseSigns(std::int64_t rows, std::int64_t columns, std::uint64_t seed);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t per_row() const { return per_row_; }
  double scale() const { return scale_; }
  /// Of row j, per_row() from j * per_row() on: a column l where the sign is plus, -1 - l where it is minus.
  const std::vector<std::int32_t>& entries() const { return entries_; }

  /// Omega^T v for v of rows() numbers.
  std::vector<double> transposed_times(const double* v) const;
  /// to[0 ... columns()) += factor times row j.
  void add_row(std::int64_t j, double factor, double* to) const;

 private:
  std::int64_t rows_, columns_, per_row_;
  double scale_;
  std::vector<std::int32_t> entries_;
};

}  // namespace noiseutils

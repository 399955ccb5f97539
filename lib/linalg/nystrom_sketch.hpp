#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "linalg/edge_rows.hpp"
#include "linalg/sparse_signs.hpp"
#include "linalg/tall_factor.hpp"

namespace noiseutils {

/// A covariance C of rows, over their count, as a sketch knows it: its leading eigenpairs, those of an approximation
/// that is nowhere above C, and its exact trace.
struct SketchedCovariance {
  std::int64_t count = 0;
  std::vector<double> mean;         ///< dim
  double trace = 0;                 ///< of C
  std::vector<double> eigenvalues;  ///< falling, > 0
  TallFactor eigenvectors;          ///< dim x eigenvalues, one a column
};

/// Nystrom sketch of the covariance of rows in one pass: with a random Omega, d x L (SparseSigns), the sums
///   n,   m = mean x,   Y = sum (x - m) (x - m)^T Omega,   t = sum |x - m|^2
/// merge exactly (Chan, Golub, LeVeque 1983), and give
///   C_L = Y (Omega^T Y)^+ Y^T / n,   C_L <= C,   E tr(C - C_L) <= (1 + r / (L - r - 1)) sum_{k > r} lambda_k
/// for every r <= L - 2 (proved for a Gaussian Omega); C_L = C where C has a lower rank than L.
/// Rows are cut into blocks of 256 by their *global* index; each is centred on its own mean, multiplied out in T (float
/// or double), and merged in double. What a shard has of a block is kept as raw rows: any split with known indices,
/// merged in any order, gives the sums of the single run but for rounding in double. Same bits for any number of
/// threads. 2 d (L + 8) operations a row; memory: d L doubles, and at most two blocks of rows for a run of indices.
/// Source: Tropp, Yurtsever, Udell, Cevher 2017, "Fixed-rank approximation of a positive-semidefinite matrix from
/// streaming data", algorithm 3 and theorem 4.1.
template <class T>
class NystromSketch {
 public:
  static constexpr std::int64_t kBlock = EdgeRows<T>::kBlock;

  /// columns: L, 1 to dim. The seed is that of Omega: sketches of different seeds do not merge.
  NystromSketch(std::int64_t dim, std::int64_t columns, std::uint64_t seed);

  std::int64_t dim() const { return omega_.rows(); }
  std::int64_t count() const { return total_.count + edges_.count(); }  ///< rows so far
  const SparseSigns& omega() const { return omega_; }

  /// Adds rows (rows.size() / dim() of them) with global indices first, first + 1, ...
  void add(std::int64_t first, std::span<const T> rows);
  /// Adds rows that belong together and are never split over shards, cut into blocks from their own beginning.
  void add_whole(std::span<const T> rows);
  /// `other` has the same dimension, columns and seed. InternalError else.
  void merge(const NystromSketch& other);
  /// The row of this index is left out: its block does not wait for it.
  void skip(std::int64_t index) { edges_.skip(index, take()); }
  /// No other shard has rows of the blocks that are incomplete: they are done as they are.
  void close() { edges_.flush(take()); }

  /// At most `rank` leading eigenpairs of all rows, blocks that are still incomplete included: the end of this sketch.
  /// Eigenvalues below the rounding of T, about 10 eps of the largest, are left out. count() >= 1.
  SketchedCovariance finish(std::int64_t rank);

  /// What merge() needs, to be stored and read back.
  struct State {
    std::int64_t count = 0;  ///< rows in the sums
    std::vector<double> mean;
    std::vector<double> product;  ///< Y over the scale of Omega, dim x columns, row after row: no bit is lost
    double squares = 0;           ///< t
    std::vector<std::int64_t> edge_index;
    std::vector<T> edge_rows;
    std::vector<std::int64_t> edge_skipped;
  };
  State state() const;
  static NystromSketch from_state(std::int64_t dim, std::int64_t columns, std::uint64_t seed, const State& state);

 private:
  struct Sums {
    std::int64_t count = 0;
    std::vector<double> mean;
    TallFactor product;  // rows padded to whole panels of the product's kernel
    double squares = 0;
  };
  /// Blocks that are multiplied out together.
  struct Wave {
    Wave(const T* first_row, std::int64_t row_count, std::int64_t dim)
        : rows(first_row), count(row_count), blocks((row_count + kBlock - 1) / kBlock) {
      const auto n = static_cast<std::size_t>(blocks);
      means.resize(n * static_cast<std::size_t>(dim));
      shifts.resize(n * static_cast<std::size_t>(dim));
      high.resize(means.size());
      low.resize(means.size());
      squares.resize(n);
      projections.resize(n);
      sketched.resize(n);
    }
    const T* rows;
    std::int64_t count, blocks;
    std::vector<double> means, shifts;          // blocks x dim
    std::vector<T> high, low;                   // the means as two numbers: x - high - low needs no doubles
    std::vector<double> squares;                // of each block
    std::vector<std::vector<T>> projections;    // (x - m) Omega / scale of each block, as panels
    std::vector<std::vector<double>> sketched;  // Omega^T shift / scale of each block
    std::int64_t rows_of(std::int64_t block) const { return std::min(kBlock, count - block * kBlock); }
  };

  typename EdgeRows<T>::Take take();
  std::int64_t blocks_per_wave() const;
  void add_wave(Wave& wave);
  void project(Wave& wave) const;
  void gather(Wave& wave, std::int64_t block, std::span<const std::vector<T>> parts) const;
  void shift_means(Wave& wave);
  void multiply(const Wave& wave, std::int64_t first);
  void merge_sums(const Sums& other);

  SparseSigns omega_;
  Sums total_;
  EdgeRows<T> edges_;
};

extern template class NystromSketch<float>;
extern template class NystromSketch<double>;

}  // namespace noiseutils

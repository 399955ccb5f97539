#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linalg/nystrom_sketch.hpp"
#include "linalg/tall_factor.hpp"

namespace noiseutils {

/// Frequent Directions of rows about their mean: no random numbers, but biased low. With A the rows about their mean
/// (those of a block of 256 about its own, and a row for each block's mean, so that A^T A is the scatter exactly), it
/// keeps at most 2 l rows B; when they are full, every squared singular value is lowered by the l-th, at least, and
///   0 <= A^T A - B^T B,   |A^T A - B^T B|_2 <= |A - A_k|_F^2 / (l - k) for every k < l.
/// Two sketches merge by stacking their rows, and keep the bound. What a sketch is depends on the order of its rows and
/// on how they were split. Memory: 2 l d doubles (of few rows fewer) and a block of rows; about 8 l d operations a row.
/// Source: Ghashami, Liberty, Phillips, Woodruff 2016, "Frequent directions: simple and deterministic matrix
/// sketching", algorithm 2 and section 3.
template <class T>
class FrequentDirections {
 public:
  static constexpr std::int64_t kBlock = 256;

  /// directions: l, 2 to dim.
  FrequentDirections(std::int64_t dim, std::int64_t directions);

  std::int64_t dim() const { return buffer_.dim; }
  std::int64_t count() const;  ///< rows so far

  void add(std::span<const T> rows);
  /// `other` has the same dimension and l. InternalError else.
  void merge(const FrequentDirections& other);
  /// At most `rank` leading eigenpairs of B^T B / n, with the exact trace of the covariance: the end of this sketch.
  SketchedCovariance finish(std::int64_t rank);

  /// What merge() needs, to be stored and read back.
  struct State {
    std::int64_t count = 0;
    std::vector<double> mean;
    double squares = 0;        ///< tr A^T A
    std::vector<double> rows;  ///< B, row after row
    std::vector<T> waiting;    ///< rows of a block that is not full
  };
  State state() const;
  static FrequentDirections from_state(std::int64_t dim, std::int64_t directions, const State& state);

 private:
  void add_block(const T* rows, std::int64_t count);
  void flush();
  std::int64_t make_room(std::int64_t rows);
  void lower();
  void grow(std::int64_t rows);
  void add_shift(const std::vector<double>& mean, std::int64_t count);
  void append(const double* row);

  std::int64_t directions_;
  std::int64_t count_ = 0;
  std::vector<double> mean_;
  double squares_ = 0;
  TallFactor buffer_;       // B^T, with room for 2 l columns at most
  std::vector<T> waiting_;  // rows of a block that is not full
};

extern template class FrequentDirections<float>;
extern template class FrequentDirections<double>;

}  // namespace noiseutils

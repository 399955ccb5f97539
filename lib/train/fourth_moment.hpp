#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "linalg/moments.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Mean of |x - mean|^4 of vectors whose mean is known only at the end, mergeable: sums about the first vector c,
///   q = sum |x - c|^4,  t = sum |x - c|^2 (x - c),
/// move to any other centre m = c - e, exactly, by the moments that are kept anyway: with W = sum (x - c)(x - c)^T,
/// s = sum (x - c),
///   sum |x - c + e|^4 = q + 4 e^T W e + n |e|^4 + 4 e^T t + 2 |e|^2 tr W + 4 |e|^2 e^T s,
///   sum |x - c + e|^2 (x - c + e) = t + e tr W + 2 W e + n |e|^2 e + |e|^2 s + 2 (s^T e) e.
/// Vectors are summed one after the other, so that batches and their splits give the same bits.
class FourthMoment {
 public:
  template <class T>
  void add(std::span<const T> rows, std::int64_t dim);
  /// Adds vectors whose own moments are `their_moments`.
  void merge(const FourthMoment& other, const Moments& their_moments);
  /// mean |x - mean|^4, of vectors whose moments are `moments`.
  double mean(const Moments& moments) const;

  void save(Record& state) const;
  /// What save() wrote for vectors of `dim`. DataError if it is not that.
  static FourthMoment load(const Record& state, std::int64_t dim);

 private:
  struct Moved {
    double fourth = 0;
    std::vector<double> third;
  };
  Moved moved(std::span<const double> centre, const Moments& moments) const;

  std::vector<double> centre_;  // empty: nothing yet
  double fourth_ = 0;           // q
  std::vector<double> third_;   // t
};

}  // namespace noiseutils

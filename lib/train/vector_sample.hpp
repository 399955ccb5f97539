#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "train/statistics.hpp"

namespace noiseutils {

/// The eight symmetries of the square, for patches that are turned and mirrored by chance.
class PatchTurns {
 public:
  /// Of patches of C x P x P elements; without `turned` all of them leave a patch as it is.
  PatchTurns(std::int64_t channels, std::int64_t patch, bool turned);
  /// For the patch of this key, uniform on (0, 1): element i of the turned patch is element order[i] of the upright.
  const std::vector<std::int32_t>& order(double key) const;

 private:
  std::vector<std::vector<std::int32_t>> orders_;
};
/// Those of the vectors of a layout; of whole samples nothing is turned.
PatchTurns turns_of(const VectorLayout& layout, bool turned);

/// A random sample of at most `capacity` of the vectors seen, without replacement, the same however they were split:
/// each vector has a key, uniform on (0, 1), of its sample's global index and its place there (Philox, Purpose::train),
/// and those with the smallest keys stay (Cohen and Kaplan 2007, bottom-k sampling).
/// Patches may be turned and mirrored, each one of the eight ways by chance.
template <class T>
class VectorSample {
 public:
  VectorSample(VectorLayout layout, std::int64_t capacity, std::uint64_t seed, bool turned)
      : layout_(std::move(layout)), capacity_(capacity), seed_(seed), turns_(turns_of(layout_, turned)) {}

  std::int64_t count() const { return count_; }  ///< vectors seen
  void add(const TrainSamples& samples);
  void merge(const VectorSample& other);
  /// The tensors "count", "keys" and "rows".
  void save(Record& state);
  void load(const Record& state);
  /// The rows that stay, by rising key, n x d.
  std::vector<T> rows();

 private:
  void add_row(double key, const T* row);
  void shrink();

  VectorLayout layout_;
  std::int64_t capacity_;
  std::uint64_t seed_;
  PatchTurns turns_;
  std::int64_t count_ = 0;
  double threshold_ = 1;  ///< keys from here on do not stay
  std::vector<double> keys_;
  std::vector<T> rows_;
};

extern template class VectorSample<float>;
extern template class VectorSample<double>;

}  // namespace noiseutils

#pragma once

#include <cstdint>

#include "model/model.hpp"

namespace noiseutils {

/// Makes the samples first, first + 1, ... end - 1 of a seed, in batches of bounded size. Sample i starts from the
/// normals of the stream {seed, sampler, i, 0} and depends on nothing else: not on first, end, or threads. They are
/// drawn as doubles for F32 too, so that F32 and F64 differ by rounding alone.
class SampleSource {
 public:
  /// `map`: normals -> samples (sampling_map.hpp); `shape` of one sample; F32 or F64.
  SampleSource(const VectorMap& map, Shape shape, DType dtype, std::uint64_t seed, std::int64_t end);

  /// Sample i < end. Makes the following ones along with it where it is not at hand.
  Tensor sample(std::int64_t i);

 private:
  template <class T>
  void make_batch();

  const VectorMap& map_;
  Shape shape_;
  DType dtype_;
  std::uint64_t seed_;
  std::int64_t end_;
  std::int64_t first_ = 0, count_ = 0;  // samples at hand
  Tensor batch_;
};

}  // namespace noiseutils

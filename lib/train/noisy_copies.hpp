#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// White noise for vectors (n x dim), several copies of each one after the other:
///   row i K + c = x_i + sigma n,  n of the stream (seed, train, sample, level 65536 + c)
/// Vector i is sample `first` + i; or, of patches, all belong to sample `first`, and patch number `offset` + i takes
/// the elements (offset + i) dim, ... of its stream.
struct NoisyCopies {
  std::uint64_t seed = 0;
  std::int64_t first = 0, copies = 1, dim = 0;
  bool of_patches = false;
  std::int64_t offset = 0;

  std::vector<double> of(std::span<const double> clean, double sigma, std::size_t level) const;
};

}  // namespace noiseutils

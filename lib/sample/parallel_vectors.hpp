#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.hpp"

namespace noiseutils {

/// work(v) for each vector v of a batch, over the threads in blocks of as many vectors as are worth one: chains take
/// thousands of steps in batches that may be small.
template <class Work>
void parallel_vectors(std::int64_t count, std::int64_t dim, Work&& work) {
  constexpr std::int64_t kBlockElements = 1 << 14;
  const std::int64_t block = std::max<std::int64_t>(1, kBlockElements / dim);
  const auto run = [&](std::int64_t b) {
    for (std::int64_t v = b * block; v < std::min((b + 1) * block, count); ++v) work(v);
  };
  if (count <= block) return run(0);
  parallel_blocks((count + block - 1) / block, run);
}

}  // namespace noiseutils

#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.hpp"

namespace noiseutils {

/// Calls work(i) for i = 0 ... count-1, shared among the threads in blocks of at least 2^16 steps, where an item takes
/// `steps`: what is small is not worth waking a thread.
template <class Work>
void parallel_items(std::int64_t count, std::int64_t steps, Work&& work) {
  constexpr std::int64_t kBlockSteps = 1 << 16;
  const std::int64_t size = std::max<std::int64_t>(1, kBlockSteps / std::max<std::int64_t>(1, steps));
  parallel_blocks((count + size - 1) / size, [&](std::int64_t block) {
    for (std::int64_t i = block * size; i < std::min(count, (block + 1) * size); ++i) work(i);
  });
}

}  // namespace noiseutils

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/threads.hpp"

namespace noiseutils {

/// kSums sums over elements 0 ... size-1: work(first, last, sums) adds those of first ... last-1 to `sums`. Fixed
/// blocks in parallel, added in order: the same bits for any number of threads.
template <std::size_t kSums, class Work>
std::array<double, kSums> sums_over_blocks(std::int64_t size, const Work& work, std::int64_t block = 65536) {
  std::vector<std::array<double, kSums>> parts(static_cast<std::size_t>((size + block - 1) / block));
  parallel_blocks(static_cast<std::int64_t>(parts.size()), [&](std::int64_t i) {
    std::array<double, kSums> sums{};
    work(i * block, std::min(size, (i + 1) * block), sums);
    parts[static_cast<std::size_t>(i)] = sums;
  });
  std::array<double, kSums> total{};
  for (const auto& part : parts)
    for (std::size_t k = 0; k < kSums; ++k) total[k] += part[k];
  return total;
}

}  // namespace noiseutils

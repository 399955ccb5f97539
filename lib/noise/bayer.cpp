#include "noise/bayer.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/threads.hpp"

namespace noiseutils {

void through_bayer_mosaic(std::span<double> planes, std::int64_t height, std::int64_t width,
                          const std::string& pattern) {
  const auto colour = [&](std::int64_t y, std::int64_t x) {
    return pattern[static_cast<std::size_t>(y % 2 * 2 + x % 2)];
  };
  const auto mirrored = [](std::int64_t i, std::int64_t n) { return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; };
  const std::vector<double> seen(planes.begin(), planes.end());
  constexpr std::int64_t kRows = 32;
  parallel_blocks((height + kRows - 1) / kRows, [&](std::int64_t block) {
    for (std::int64_t y = block * kRows; y < std::min(height, (block + 1) * kRows); ++y)
      for (std::int64_t x = 0; x < width; ++x)
        for (std::int64_t c = 0; c < 3; ++c) {
          const char wanted = "rgb"[c];
          if (colour(y, x) == wanted) continue;
          double sum = 0, weights = 0;
          for (std::int64_t dy = -1; dy <= 1; ++dy)
            for (std::int64_t dx = -1; dx <= 1; ++dx) {
              const std::int64_t v = mirrored(y + dy, height), u = mirrored(x + dx, width);
              if (colour(v, u) != wanted) continue;
              const auto weight = static_cast<double>((2 - std::abs(dy)) * (2 - std::abs(dx)));
              sum += weight * seen[static_cast<std::size_t>((c * height + v) * width + u)];
              weights += weight;
            }
          planes[static_cast<std::size_t>((c * height + y) * width + x)] = sum / weights;
        }
  });
}

}  // namespace noiseutils

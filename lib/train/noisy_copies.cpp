#include "train/noisy_copies.hpp"

#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {

std::vector<double> NoisyCopies::of(std::span<const double> clean, double sigma, std::size_t level) const {
  const std::int64_t count = static_cast<std::int64_t>(clean.size()) / dim;
  const auto d = static_cast<std::size_t>(dim);
  std::vector<double> rows(clean.size() * static_cast<std::size_t>(copies));
  parallel_blocks(count, [&](std::int64_t i) {
    const auto x = clean.subspan(static_cast<std::size_t>(i) * d, d);
    const auto sample = static_cast<std::uint64_t>(of_patches ? first : first + i);
    const auto element = static_cast<std::uint64_t>(of_patches ? (offset + i) * dim : 0);
    for (std::int64_t c = 0; c < copies; ++c) {
      const std::uint64_t copy = (static_cast<std::uint64_t>(level) << 16) + static_cast<std::uint64_t>(c);
      add_normal({seed, Purpose::train, sample, copy}, element, x, sigma,
                 std::span(rows).subspan(static_cast<std::size_t>(i * copies + c) * d, d));
    }
  });
  return rows;
}

}  // namespace noiseutils

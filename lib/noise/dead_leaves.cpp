#include "noise/dead_leaves.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kNumbersALeaf = 4;  // radius, row, column, grey
constexpr std::size_t kLeavesAtATime = 256;

/// Paints the leaf where nothing is yet; returns how many pixels that were.
std::int64_t paint(std::span<float> image, const DeadLeaves& law, double radius, double row, double column,
                   float grey) {
  const auto top = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(row - radius)));
  const auto bottom = std::min(law.height - 1, static_cast<std::int64_t>(std::floor(row + radius)));
  std::int64_t painted = 0;
  for (std::int64_t y = top; y <= bottom; ++y) {
    const double dy = static_cast<double>(y) - row;
    const double half = std::sqrt(std::max(0.0, radius * radius - dy * dy));
    const auto left = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(column - half)));
    const auto right = std::min(law.width - 1, static_cast<std::int64_t>(std::floor(column + half)));
    for (std::int64_t x = left; x <= right; ++x) {
      float& pixel = image[static_cast<std::size_t>(y * law.width + x)];
      if (pixel >= 0) continue;
      pixel = grey;
      ++painted;
    }
  }
  return painted;
}

}  // namespace

Tensor draw_dead_leaves(const DeadLeaves& law, std::uint64_t seed, std::uint64_t sample) {
  Tensor result(DType::F32, {law.height, law.width});
  const auto image = result.mutable_values<float>();
  std::fill(image.begin(), image.end(), -1.0f);
  const double inverse_low = 1 / (law.smallest_radius * law.smallest_radius);
  const double inverse_high = 1 / (law.largest_radius * law.largest_radius);
  const StreamKey key{seed, Purpose::source, sample, 0};
  std::array<double, kNumbersALeaf * kLeavesAtATime> u;
  std::int64_t empty = result.size();
  for (std::uint64_t first = 0; empty > 0; first += u.size()) {
    fill_uniform(key, first, u);
    for (std::size_t leaf = 0; leaf < u.size() && empty > 0; leaf += kNumbersALeaf) {
      // Inverse of P(R > r) = (r^-2 - high^-2) / (low^-2 - high^-2).
      const double radius = 1 / std::sqrt(inverse_low + u[leaf] * (inverse_high - inverse_low));
      const double margin = law.largest_radius;
      const double row = u[leaf + 1] * (static_cast<double>(law.height - 1) + 2 * margin) - margin;
      const double column = u[leaf + 2] * (static_cast<double>(law.width - 1) + 2 * margin) - margin;
      empty -= paint(image, law, radius, row, column, static_cast<float>(u[leaf + 3]));
    }
  }
  return result;
}

ImageSource dead_leaves_source() {
  return {"dead-leaves",
          "images of overlapping discs: edges and scale invariance as in photographs",
          {integer("height", "H", "height in pixels").otherwise("256").at_least(1).at_most(65536),
           integer("width", "W", "width in pixels").otherwise("256").at_least(1).at_most(65536),
           number("rmin", "R", "smallest radius in pixels").otherwise("1").at_least(0.5).at_most(1e5),
           number("rmax", "R", "largest radius in pixels").otherwise("40").at_least(0.5).at_most(1e5)},
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            const DeadLeaves law{options.integer("height"), options.integer("width"), options.number("rmin"),
                                 options.number("rmax")};
            if (law.smallest_radius >= law.largest_radius) throw UsageError("--rmin must be smaller than --rmax");
            return [law](std::uint64_t seed, std::uint64_t sample) {
              Record record;
              record.tensors["data"] = draw_dead_leaves(law, seed, sample);
              record.metadata["axes"] = "HW";
              record.metadata["range"] = "1";
              return record;
            };
          }};
}

}  // namespace noiseutils

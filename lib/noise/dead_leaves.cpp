#include "noise/dead_leaves.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kNumbersALeaf = 4;      // radius, row, column, grey
constexpr std::size_t kMoreNumbersALeaf = 8;  // which shape, four angles, two colours; one is spare
constexpr std::size_t kLeavesAtATime = 256;

struct Corner {
  double row, column;
};

struct Leaf {
  double radius, row, column;
  std::vector<Corner> corners;  ///< in their order round the leaf; none: it is a disc
  std::array<float, 3> colour;
};

/// The corners' angles, in turns: rising.
std::vector<double> corner_angles(LeafShape shape, const double* u) {
  switch (shape) {
    case LeafShape::circle:
    case LeafShape::mixed:
      return {};
    case LeafShape::square:
      return {0.125, 0.375, 0.625, 0.875};
    case LeafShape::oriented_square:
      return {u[0] / 4, u[0] / 4 + 0.25, u[0] / 4 + 0.5, u[0] / 4 + 0.75};
    case LeafShape::rectangle:
      return {u[0] / 4, 0.5 - u[0] / 4, 0.5 + u[0] / 4, 1 - u[0] / 4};
    case LeafShape::triangle:
    case LeafShape::quadrilateral: {
      std::vector<double> angles(u, u + (shape == LeafShape::triangle ? 3 : 4));
      std::sort(angles.begin(), angles.end());
      return angles;
    }
  }
  return {};
}

std::vector<Corner> corners_of(const Leaf& leaf, LeafShape shape, const double* u) {
  if (shape == LeafShape::mixed) shape = static_cast<LeafShape>(static_cast<int>(u[0] * 6));
  std::vector<Corner> corners;
  for (const double angle : corner_angles(shape, u + 1)) {
    const auto [sine, cosine] = portable::sincos_of_turns(angle);
    corners.push_back({leaf.row + leaf.radius * sine, leaf.column + leaf.radius * cosine});
  }
  return corners;
}

/// Where row y enters and leaves the leaf; {1, 0} if it misses it.
std::pair<double, double> chord(const Leaf& leaf, double y) {
  if (leaf.corners.empty()) {
    const double dy = y - leaf.row;
    const double half = std::sqrt(std::max(0.0, leaf.radius * leaf.radius - dy * dy));
    return {leaf.column - half, leaf.column + half};
  }
  double left = std::numeric_limits<double>::infinity(), right = -left;
  for (std::size_t i = 0; i < leaf.corners.size(); ++i) {
    const Corner& from = leaf.corners[i];
    const Corner& to = leaf.corners[(i + 1) % leaf.corners.size()];
    if (from.row == to.row || y < std::min(from.row, to.row) || y > std::max(from.row, to.row)) continue;
    const double x = from.column + (to.column - from.column) * ((y - from.row) / (to.row - from.row));
    left = std::min(left, x);
    right = std::max(right, x);
  }
  return left <= right ? std::pair(left, right) : std::pair(1.0, 0.0);
}

/// Paints the leaf where nothing is yet; returns how many pixels that were.
std::int64_t paint(std::span<float> image, const DeadLeaves& law, const Leaf& leaf) {
  const auto top = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(leaf.row - leaf.radius)));
  const auto bottom = std::min(law.height - 1, static_cast<std::int64_t>(std::floor(leaf.row + leaf.radius)));
  const auto plane = static_cast<std::size_t>(law.height * law.width);
  std::int64_t painted = 0;
  for (std::int64_t y = top; y <= bottom; ++y) {
    const auto [from, to] = chord(leaf, static_cast<double>(y));
    const auto left = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(from)));
    const auto right = std::min(law.width - 1, static_cast<std::int64_t>(std::floor(to)));
    for (std::int64_t x = left; x <= right; ++x) {
      const auto pixel = static_cast<std::size_t>(y * law.width + x);
      if (image[pixel] >= 0) continue;
      for (std::size_t c = 0; c * plane < image.size(); ++c) image[c * plane + pixel] = leaf.colour[c];
      ++painted;
    }
  }
  return painted;
}

/// The radius that a fraction 1 - u of the leaves exceeds: inverse of
/// P(R > r) = (r^(1-a) - high^(1-a)) / (low^(1-a) - high^(1-a)),  a the exponent.
double radius_of(const DeadLeaves& law, double u) {
  const double low = law.smallest_radius, high = law.largest_radius;
  if (law.exponent == 3) {
    const double inverse_low = 1 / (low * low), inverse_high = 1 / (high * high);
    return 1 / std::sqrt(inverse_low + u * (inverse_high - inverse_low));
  }
  if (law.exponent == 1) return low * portable::pow(high / low, u);
  const double power = 1 - law.exponent;
  const double ratio = portable::pow(high / low, power);
  return low * portable::pow(1 + u * (ratio - 1), 1 / power);
}

}  // namespace

Tensor draw_dead_leaves(const DeadLeaves& law, std::uint64_t seed, std::uint64_t sample) {
  Tensor result(DType::F32, law.colour ? Shape{3, law.height, law.width} : Shape{law.height, law.width});
  const auto image = result.mutable_values<float>();
  std::fill(image.begin(), image.end(), -1.0f);
  const StreamKey key{seed, Purpose::source, sample, 0}, more_key{seed, Purpose::source, sample, 1};
  const bool needs_more = law.colour || law.shape != LeafShape::circle;
  std::array<double, kNumbersALeaf * kLeavesAtATime> u;
  std::array<double, kMoreNumbersALeaf * kLeavesAtATime> more{};
  std::int64_t empty = law.height * law.width;
  for (std::uint64_t batch = 0; empty > 0; ++batch) {
    fill_uniform(key, batch * u.size(), u);
    if (needs_more) fill_uniform(more_key, batch * more.size(), more);
    for (std::size_t number = 0; number < kLeavesAtATime && empty > 0; ++number) {
      const double* own = u.data() + number * kNumbersALeaf;
      const double* others = more.data() + number * kMoreNumbersALeaf;
      Leaf leaf;
      const double margin = law.largest_radius;
      leaf.radius = radius_of(law, own[0]);
      leaf.row = own[1] * (static_cast<double>(law.height - 1) + 2 * margin) - margin;
      leaf.column = own[2] * (static_cast<double>(law.width - 1) + 2 * margin) - margin;
      leaf.colour = {static_cast<float>(own[3]), static_cast<float>(others[5]), static_cast<float>(others[6])};
      if (law.shape != LeafShape::circle) leaf.corners = corners_of(leaf, law.shape, others);
      empty -= paint(image, law, leaf);
    }
  }
  return result;
}

namespace {

/// In the order of LeafShape.
const std::vector<std::string>& leaf_shape_names() {
  static const std::vector<std::string> names = {"circle",        "square", "oriented-square", "rectangle", "triangle",
                                                 "quadrilateral", "mixed"};
  return names;
}

}  // namespace

ImageGenerator dead_leaves_source() {
  return {"dead-leaves",
          "images of overlapping leaves: edges and scale invariance as in photographs",
          {integer("height", "H", "height in pixels").otherwise("256").at_least(1).at_most(65536),
           integer("width", "W", "width in pixels").otherwise("256").at_least(1).at_most(65536),
           number("rmin", "R", "smallest radius in pixels").otherwise("1").at_least(0.5).at_most(1e5),
           number("rmax", "R", "largest radius in pixels").otherwise("40").at_least(0.5).at_most(1e5),
           number("exponent", "A", "radius density ~ r^-A").otherwise("3").at_least(1).at_most(20),
           choice("shape", leaf_shape_names(), "the leaves, within the circle of their radius").otherwise("circle"),
           flag("colour", "leaves of random colour, three channels")},
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            const auto& names = leaf_shape_names();
            const auto shape = std::find(names.begin(), names.end(), options.text("shape")) - names.begin();
            const DeadLeaves law{options.integer("height"), options.integer("width"),   options.number("rmin"),
                                 options.number("rmax"),    options.number("exponent"), static_cast<LeafShape>(shape),
                                 options.flag("colour")};
            if (law.smallest_radius >= law.largest_radius) throw UsageError("--rmin must be smaller than --rmax");
            return [law](std::uint64_t seed, std::uint64_t sample) {
              Record record;
              record.tensors["data"] = draw_dead_leaves(law, seed, sample);
              record.metadata["axes"] = law.colour ? "CHW" : "HW";
              record.metadata["range"] = "1";
              return record;
            };
          }};
}

}  // namespace noiseutils

#include "denoise/group_match.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/threads.hpp"
#include "denoise/group_kernels.hpp"

namespace noiseutils {
namespace {

std::int64_t reflected(std::int64_t at, std::int64_t size) {
  if (at < 0) at = -at - 1;
  if (at >= size) at = 2 * size - 1 - at;
  return std::clamp<std::int64_t>(at, 0, size - 1);
}

/// The image with a reflected ring, and room behind it: kernels read whole vectors.
FloatPlane with_ring(const FloatPlane& image, std::int64_t ring) {
  FloatPlane padded(image.height + 2 * ring, image.width + 2 * ring);
  for (std::int64_t r = 0; r < padded.height; ++r) {
    const float* from = image.row(reflected(r - ring, image.height));
    float* to = padded.row(r);
    for (std::int64_t c = 0; c < padded.width; ++c) to[c] = from[reflected(c - ring, image.width)];
  }
  padded.values.resize(padded.values.size() + 2 * kGroupLanes);
  return padded;
}

/// Chooses the smallest of a window's distances. Kept from one reference to the next: neighbours have similar ones.
class Selection {
 public:
  /// distances: rows x leading, beyond the columns infinite; the place of the reference in it counts as below all.
  /// Calls take(place) for the `count` smallest, in order of place.
  template <class Take>
  void smallest(const std::vector<float>& distances, std::int64_t reference, std::int64_t count,
                const GroupKernels& kernels, const Take& take) {
    const std::uint32_t limit = bracket(distances, count, kernels);
    const float limit_value = std::bit_cast<float>(limit);
    keys_.resize(distances.size());
    std::size_t found = 0;
    const auto n = distances.size();
    for (std::size_t i = 0; i < n; ++i) {  // no branch: which are taken cannot be foreseen
      keys_[found] = static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(distances[i])) << 32 | (i + 1);
      found += distances[i] <= limit_value ? 1 : 0;
    }
    keys_.resize(found);
    for (std::uint64_t& key : keys_)
      if (static_cast<std::int64_t>(key & 0xffffffffU) == reference + 1) key = reference_key(reference);
    ordered_ = keys_;
    const auto last = ordered_.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(ordered_.begin(), last, ordered_.end(), by_distance);
    for (const std::uint64_t key : keys_)
      if (!by_distance(*last, key)) take(static_cast<std::int64_t>(key & 0x7fffffffU) - 1);
  }

 private:
  // The reference is marked by a bit that no place has, and compared as if it were 0.
  static std::uint64_t reference_key(std::int64_t reference) {
    return 0x80000000U | static_cast<std::uint64_t>(reference + 1);
  }
  static std::uint64_t rank(std::uint64_t key) { return (key & 0x80000000U) != 0 ? 0 : key; }
  static bool by_distance(std::uint64_t a, std::uint64_t b) { return rank(a) < rank(b); }

  /// The bits of a distance that at least `count` of them do not exceed, and few more than that.
  std::uint32_t bracket(const std::vector<float>& distances, std::int64_t count, const GroupKernels& kernels) {
    // Bits of floats that are not negative are ordered as the floats.
    const auto enough = [&](std::uint32_t bits) {
      return kernels.count_up_to(distances.data(), static_cast<std::int64_t>(distances.size()),
                                 std::bit_cast<float>(bits));
    };
    constexpr std::uint32_t kLargest = 0x7f7fffffU;
    std::uint32_t low = 0, high = kLargest, at = guess_;
    std::int64_t counted = enough(0);
    if (counted >= count) return 0;
    for (std::uint32_t step = 1U << 20;
         low + 1 < high;) {  // `low` has too few; double the step until both ends are known
      counted = enough(at);
      if (counted >= count) {
        high = at;
        if (counted <= count + count / 2) break;
      } else {
        low = at;
      }
      if (low == 0)
        at = high > step ? high - step : high / 2;
      else if (high == kLargest)
        at = kLargest - low > step ? low + step : low + (kLargest - low) / 2;
      else
        at = low + (high - low) / 2;
      step *= step < 1U << 28 ? 2 : 1;
    }
    guess_ = high;
    return high;
  }

  std::uint32_t guess_ = 0x42800000U;
  std::vector<std::uint64_t> keys_, ordered_;
};

struct Span {
  std::int64_t begin, size;
};

Span window(std::int64_t at, std::int64_t positions, std::int64_t radius) {
  const std::int64_t begin = std::max<std::int64_t>(0, at - radius), end = std::min(positions, at + radius + 1);
  return {begin, end - begin};
}

}  // namespace

std::vector<std::int64_t> reference_grid(std::int64_t positions, std::int64_t stride) {
  std::vector<std::int64_t> grid;
  for (std::int64_t at = 0; at < positions; at += stride) grid.push_back(at);
  if (grid.back() != positions - 1) grid.push_back(positions - 1);
  return grid;
}

Groups match_groups(const FloatPlane& image, const MatchSettings& settings) {
  const std::int64_t rows = image.height - settings.patch + 1, columns = image.width - settings.patch + 1;
  Groups groups;
  groups.rows = reference_grid(rows, settings.stride);
  groups.columns = reference_grid(columns, settings.stride);
  groups.count = std::min(settings.count, std::min(rows, settings.radius + 1) * std::min(columns, settings.radius + 1));
  groups.corners.resize(groups.rows.size() * groups.columns.size() * static_cast<std::size_t>(groups.count));

  const FloatPlane padded = with_ring(image, settings.ring);
  const GroupKernels& kernels = group_kernels();
  parallel_blocks(static_cast<std::int64_t>(groups.rows.size()), [&](std::int64_t i) {
    const std::int64_t row = groups.rows[static_cast<std::size_t>(i)];
    const Span down = window(row, rows, settings.radius);
    std::vector<float> distances;
    Selection selection;
    std::uint32_t* out = groups.corners.data() + i * static_cast<std::int64_t>(groups.columns.size()) * groups.count;
    for (const std::int64_t column : groups.columns) {
      const Span across = window(column, columns, settings.radius);
      const std::int64_t leading = (across.size + kGroupLanes - 1) / kGroupLanes * kGroupLanes;
      distances.resize(static_cast<std::size_t>(down.size * leading));
      kernels.distances(padded.row(row) + column, padded.row(down.begin) + across.begin, padded.width,
                        settings.patch + 2 * settings.ring, down.size, across.size, distances.data(), leading);
      for (std::int64_t r = 0; r < down.size; ++r)
        std::fill_n(distances.data() + r * leading + across.size, leading - across.size,
                    std::numeric_limits<float>::infinity());
      selection.smallest(distances, (row - down.begin) * leading + column - across.begin, groups.count, kernels,
                         [&](std::int64_t place) {
                           *out++ = static_cast<std::uint32_t>((down.begin + place / leading) * image.width +
                                                               across.begin + place % leading);
                         });
    }
  });
  return groups;
}

}  // namespace noiseutils

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

/// The frames of a stack, each with a reflected ring, and room behind: kernels read whole vectors.
class RingedFrames {
 public:
  RingedFrames(const FloatPlane& image, std::int64_t frames, std::int64_t ring)
      : height_(image.height / frames + 2 * ring), padded_(frames * height_, image.width + 2 * ring) {
    const std::int64_t height = image.height / frames;
    for (std::int64_t frame = 0; frame < frames; ++frame)
      for (std::int64_t r = 0; r < height_; ++r) {
        const float* from = image.row(frame * height + reflected(r - ring, height));
        float* to = padded_.row(frame * height_ + r);
        for (std::int64_t c = 0; c < padded_.width; ++c) to[c] = from[reflected(c - ring, image.width)];
      }
    padded_.values.resize(padded_.values.size() + 2 * kGroupLanes);
  }
  /// Where the ring of the patch at a corner of a frame begins.
  const float* at(std::int64_t frame, std::int64_t row, std::int64_t column) const {
    return padded_.row(frame * height_ + row) + column;
  }
  std::int64_t width() const { return padded_.width; }

 private:
  std::int64_t height_;
  FloatPlane padded_;
};

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

Span window_at(std::int64_t at, std::int64_t positions, std::int64_t radius) {
  const std::int64_t begin = std::max<std::int64_t>(0, at - radius), end = std::min(positions, at + radius + 1);
  return {begin, end - begin};
}

/// A window of candidates in one frame, and where its distances begin.
struct Window {
  std::int64_t frame;
  Span down, across;
  std::int64_t leading, begin;
};

/// Looks for the groups of the references of one thread.
class Search {
 public:
  Search(const std::vector<RingedFrames>& channels, const MatchSettings& settings, std::int64_t rows,
         std::int64_t columns)
      : channels_(channels), settings_(settings), rows_(rows), columns_(columns), kernels_(group_kernels()) {}

  /// Writes the corners of the group of a reference, sorted. image_width, frame_height: of the stack.
  void find(std::int64_t frame, std::int64_t row, std::int64_t column, std::int64_t image_width,
            std::int64_t frame_height, std::int64_t count, std::uint32_t* out) {
    references_.clear();
    for (const RingedFrames& channel : channels_) references_.push_back(channel.at(frame, row, column));
    windows_.clear();
    distances_.clear();
    const Window own = add_window(frame, row, column, settings_.radius);
    for (const std::int64_t step : {-1, 1}) {
      std::int64_t at_row = row, at_column = column;
      for (std::int64_t distance = 1; distance <= settings_.reach; ++distance) {
        const std::int64_t other = frame + step * distance;
        if (other < 0 || other >= settings_.frames) break;
        const Window window = add_window(other, at_row, at_column, settings_.follow);
        const auto first = distances_.begin() + window.begin;
        const std::int64_t best = std::min_element(first, distances_.end()) - first;
        at_row = window.down.begin + best / window.leading;
        at_column = window.across.begin + best % window.leading;
      }
    }
    std::uint32_t* to = out;
    std::size_t i = 0;
    selection_.smallest(distances_, (row - own.down.begin) * own.leading + column - own.across.begin, count, kernels_,
                        [&](std::int64_t place) {
                          while (i + 1 < windows_.size() && place >= windows_[i + 1].begin) ++i;
                          const Window& window = windows_[i];
                          place -= window.begin;
                          *to++ = static_cast<std::uint32_t>(
                              (window.frame * frame_height + window.down.begin + place / window.leading) * image_width +
                              window.across.begin + place % window.leading);
                        });
    if (windows_.size() > 1) std::sort(out, to);
  }

 private:
  Window add_window(std::int64_t frame, std::int64_t row, std::int64_t column, std::int64_t radius) {
    Window window{frame, window_at(row, rows_, radius), window_at(column, columns_, radius), 0,
                  static_cast<std::int64_t>(distances_.size())};
    window.leading = (window.across.size + kGroupLanes - 1) / kGroupLanes * kGroupLanes;
    distances_.resize(static_cast<std::size_t>(window.begin + window.down.size * window.leading));
    float* to = distances_.data() + window.begin;
    std::fill_n(to, window.down.size * window.leading, 0.0F);
    for (std::size_t c = 0; c < channels_.size(); ++c)
      kernels_.add_distances(references_[c], channels_[c].at(frame, window.down.begin, window.across.begin),
                             channels_[c].width(), settings_.patch + 2 * settings_.ring, window.down.size,
                             window.across.size, to, window.leading);
    for (std::int64_t r = 0; r < window.down.size; ++r)
      std::fill_n(to + r * window.leading + window.across.size, window.leading - window.across.size,
                  std::numeric_limits<float>::infinity());
    windows_.push_back(window);
    return window;
  }

  const std::vector<RingedFrames>& channels_;
  const MatchSettings& settings_;
  std::int64_t rows_, columns_;  ///< positions in a frame
  const GroupKernels& kernels_;
  Selection selection_;
  std::vector<Window> windows_;
  std::vector<const float*> references_;
  std::vector<float> distances_;
};

}  // namespace

std::vector<std::int64_t> reference_grid(std::int64_t positions, std::int64_t stride) {
  std::vector<std::int64_t> grid;
  for (std::int64_t at = 0; at < positions; at += stride) grid.push_back(at);
  if (grid.back() != positions - 1) grid.push_back(positions - 1);
  return grid;
}

Groups match_groups(std::span<const FloatPlane> channels, const MatchSettings& settings) {
  const FloatPlane& image = channels.front();
  const std::int64_t height = image.height / settings.frames;
  const std::int64_t rows = height - settings.patch + 1, columns = image.width - settings.patch + 1;
  Groups groups;
  for (std::int64_t frame = 0; frame < settings.frames; ++frame)
    for (const std::int64_t row : reference_grid(rows, settings.stride)) groups.rows.push_back(frame * height + row);
  groups.columns = reference_grid(columns, settings.stride);
  groups.count = std::min(settings.count, std::min(rows, settings.radius + 1) * std::min(columns, settings.radius + 1));
  groups.corners.resize(groups.rows.size() * groups.columns.size() * static_cast<std::size_t>(groups.count));

  std::vector<RingedFrames> ringed;
  for (const FloatPlane& channel : channels) ringed.emplace_back(channel, settings.frames, settings.ring);
  parallel_blocks(static_cast<std::int64_t>(groups.rows.size()), [&](std::int64_t i) {
    const std::int64_t row = groups.rows[static_cast<std::size_t>(i)];
    Search search(ringed, settings, rows, columns);
    std::uint32_t* out = groups.corners.data() + i * static_cast<std::int64_t>(groups.columns.size()) * groups.count;
    for (const std::int64_t column : groups.columns) {
      search.find(row / height, row % height, column, image.width, height, groups.count, out);
      out += groups.count;
    }
  });
  return groups;
}

}  // namespace noiseutils

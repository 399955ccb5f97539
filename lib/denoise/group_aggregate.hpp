#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "denoise/float_plane.hpp"
#include "denoise/group_match.hpp"

namespace noiseutils {

/// Whether a window of patch x patch pixels begins or ends at a pixel: has it as its upper left or lower right one.
enum class Box { begins, ends };

/// At each pixel the sum of the image over the window that begins or ends there, as far as it lies in the image.
FloatPlane box_sums(const FloatPlane& image, std::int64_t patch, Box box);

/// Collects weighted patches of one band of reference rows. The weight of a patch is noted at its corner alone: box
/// sums spread it over the patch once, at the end.
class PatchSums {
 public:
  /// rows: those of the image that the patches touch, in order.
  PatchSums(std::vector<std::int64_t> rows, std::int64_t height, std::int64_t width, std::size_t channels,
            std::int64_t patch);

  /// Adds `weight` times the patch, whose pixel [r, c] is values[r * row_step + c * step], at the corner; `share`
  /// counts with the same weight.
  void add(std::size_t channel, std::uint32_t corner, const float* values, std::int64_t row_step, std::int64_t step,
           float weight, float share) {
    Channel& to = channels_[channel];
    const auto width = static_cast<std::uint32_t>(to.sum.width);
    const std::int64_t at = static_cast<std::int64_t>(corner) - above_[corner / width] * to.sum.width;
    to.weight.values[static_cast<std::size_t>(at)] += weight;
    to.share.values[static_cast<std::size_t>(at)] += weight * share;
    float* sum = to.sum.values.data() + at;
    for (std::int64_t r = 0; r < patch_; ++r, sum += to.sum.width, values += row_step)
      for (std::int64_t c = 0; c < patch_; ++c) sum[c] += weight * values[c * step];
  }

 private:
  friend struct Averages;
  struct Channel {
    FloatPlane sum, weight, share;
  };
  void add_to(FloatPlane& image, const FloatPlane& rows) const;

  std::int64_t patch_;
  std::vector<std::int64_t> rows_, above_;  ///< above_: how many rows above a row of the image are left out
  std::vector<Channel> channels_;
};

/// The averages over all patches.
struct Averages {
  std::vector<FloatPlane> estimate;  ///< by channel
  std::vector<FloatPlane> share;     ///< the average of add()'s share

  /// Runs work(reference row, sums) over all rows of the groups, in bands of 8, each with sums of its own, which are
  /// added in the order of the bands: the same bits for any number of threads.
  static Averages over(const Groups& groups, std::int64_t height, std::int64_t width, std::size_t channels,
                       std::int64_t patch, const std::function<void(std::int64_t, std::int64_t, PatchSums&)>& work);
};

}  // namespace noiseutils

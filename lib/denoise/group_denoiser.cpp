#include "denoise/group_denoiser.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "denoise/contrast.hpp"
#include "denoise/group_aggregate.hpp"
#include "denoise/group_match.hpp"
#include "denoise/multiscale.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPatch = 6;
constexpr std::int64_t kStride = 5;
constexpr std::int64_t kPatches = 64, kStackPatches = 48;  // of a group; frames repeat what is similar
constexpr std::int64_t kReach = 4;         // frames of a stack, before and after, in which patches are looked for
constexpr float kGuideShare = 0.4F;        // of the image on which the groups of C are matched; the rest is noisy
constexpr std::int64_t kLeastScaled = 64;  // pixels a side from which on D pays
constexpr double kMix = 0.5;
constexpr double kStrongNoise = 1.5;  // std of the clean image / sigma below which the pilot takes larger patches
constexpr std::int64_t kPilotPatch = 9, kPilotLargePatch = 11;

/// Step A. `settings` tells of the stack.
std::vector<FloatPlane> pilot(const std::vector<FloatPlane>& noisy, MatchSettings settings) {
  const std::int64_t height = noisy[0].height, width = noisy[0].width;
  const bool strong =
      contrast(noisy[0]) < kStrongNoise && std::min(height / settings.frames, width) >= kPilotLargePatch + 3;
  const std::int64_t patch = strong ? kPilotLargePatch : kPilotPatch;
  settings.patch = patch;
  settings.ring = 0;
  settings.radius = 16;
  settings.stride = kStride;
  settings.count = PilotWork::kPatches;
  const Groups groups = match_groups(std::span(noisy).first(1), settings);
  const auto work = [&](std::int64_t first, std::int64_t end, PatchSums& sums) {
    PilotWork group(patch * patch);
    for (std::int64_t row = first; row < end; ++row)
      for (std::size_t column = 0; column < groups.columns.size(); ++column) {
        const auto corners = groups.group(row, static_cast<std::int64_t>(column));
        for (std::size_t c = 0; c < noisy.size(); ++c) {
          for (std::size_t i = 0; i < corners.size(); ++i) {
            const float* from = noisy[c].values.data() + corners[i];
            float* to = group.patches() + i;
            for (std::int64_t r = 0; r < patch; ++r, from += width)
              for (std::int64_t l = 0; l < patch; ++l, to += PilotWork::kPatches) *to = from[l];
          }
          group.pilot_estimate();
          for (std::size_t i = 0; i < corners.size(); ++i)
            sums.add(c, corners[i], group.patches() + i, patch * PilotWork::kPatches, PilotWork::kPatches,
                     group.weights()[i], 0);
        }
      }
  };
  return Averages::over(groups, height, width, noisy.size(), patch, work).estimate;
}

void gather(const FloatPlane& image, std::span<const std::uint32_t> corners, std::int64_t patch, float* to) {
  for (const std::uint32_t corner : corners) {
    const float* from = image.values.data() + corner;
    for (std::int64_t r = 0; r < patch; ++r) std::copy_n(from + r * image.width, patch, to + r * patch);
    to += kGroupLeading;
  }
}

/// What has been taken from the noisy image: sums over the patch at each corner.
struct Removed {
  std::int64_t patch;
  FloatPlane sum, squares;

  Removed(const FloatPlane& noisy, const FloatPlane& rest, std::int64_t side) : patch(side) {
    FloatPlane difference(noisy.height, noisy.width), square(noisy.height, noisy.width);
    for (std::size_t i = 0; i < difference.values.size(); ++i) {
      difference.values[i] = noisy.values[i] - rest.values[i];
      square.values[i] = difference.values[i] * difference.values[i];
    }
    sum = box_sums(difference, patch, Box::begins);
    squares = box_sums(square, patch, Box::begins);
  }
  double deviation(std::span<const std::uint32_t> corners) const {
    double first = 0, second = 0;
    for (const std::uint32_t corner : corners) {
      first += static_cast<double>(sum.values[corner]);
      second += static_cast<double>(squares.values[corner]);
    }
    const auto count = static_cast<double>(static_cast<std::int64_t>(corners.size()) * patch * patch);
    return std::sqrt(std::max(0.0, second / count - first / count * (first / count)));
  }
};

/// One guided pass over all groups. patch: side of their patches; removed: by channel, or empty while nothing is; rest:
/// tau.
Averages guided_pass(const Groups& groups, std::int64_t patch, const std::vector<FloatPlane>& guide,
                     const std::vector<FloatPlane>& data, const std::vector<Removed>& removed, double rest,
                     Smoothing smoothing) {
  const auto work = [&](std::int64_t first, std::int64_t end, PatchSums& sums) {
    GroupWork group(patch * patch);
    for (std::int64_t row = first; row < end; ++row)
      for (std::size_t column = 0; column < groups.columns.size(); ++column) {
        const auto corners = groups.group(row, static_cast<std::int64_t>(column));
        for (std::size_t c = 0; c < data.size(); ++c) {
          gather(guide[c], corners, patch, group.x());
          gather(data[c], corners, patch, group.z());
          const double left = removed.empty() ? 1.0 : std::max(1 - removed[c].deviation(corners), rest + 1e-6);
          group.guided_estimate(groups.count, {.noise_variance = left * left, .smoothing = smoothing});
          for (std::size_t i = 0; i < corners.size(); ++i)
            sums.add(c, corners[i], group.estimate() + static_cast<std::int64_t>(i) * kGroupLeading, patch, 1,
                     group.weights()[i], static_cast<float>(rest / left));
        }
      }
  };
  return Averages::over(groups, data[0].height, data[0].width, data.size(), patch, work);
}

/// Step C with patches of settings.patch pixels a side, from the estimate of step B.
std::vector<FloatPlane> progressive(const std::vector<FloatPlane>& noisy, std::vector<FloatPlane> estimate,
                                    const std::vector<double>& rests, const MatchSettings& settings) {
  std::vector<FloatPlane> data = noisy;
  for (std::size_t c = 0; c < noisy.size(); ++c)
    for (std::size_t i = 0; i < data[c].values.size(); ++i)
      data[c].values[i] += kGuideShare * (estimate[c].values[i] - data[c].values[i]);
  const Groups groups = match_groups(data, settings);
  data = noisy;
  for (std::size_t pass = 0; pass < rests.size(); ++pass) {
    std::vector<Removed> removed;
    for (std::size_t c = 0; pass > 0 && c < noisy.size(); ++c) removed.emplace_back(noisy[c], data[c], settings.patch);
    const Smoothing smoothing = pass + 2 < rests.size() ? Smoothing::left : Smoothing::average;
    Averages averages = guided_pass(groups, settings.patch, estimate, data, removed, rests[pass], smoothing);
    estimate = std::move(averages.estimate);
    for (std::size_t c = 0; c < noisy.size(); ++c)
      for (std::size_t i = 0; i < data[c].values.size(); ++i)
        data[c].values[i] =
            estimate[c].values[i] + averages.share[c].values[i] * (data[c].values[i] - estimate[c].values[i]);
  }
  return data;
}

std::vector<FloatPlane> at_one_scale(const std::vector<FloatPlane>& noisy, const GroupPreset& preset,
                                     std::int64_t frames) {
  MatchSettings settings{.patch = kPatch,
                         .ring = 1,
                         .radius = 24,
                         .stride = preset.stride,
                         .count = frames > 1 ? kStackPatches : kPatches};
  settings.frames = frames;
  settings.reach = kReach;
  std::vector<FloatPlane> estimate = pilot(noisy, settings);
  estimate = guided_pass(match_groups(estimate, settings), kPatch, estimate, noisy, {}, 0, preset.second).estimate;
  if (preset.rests.empty()) return estimate;

  std::vector<FloatPlane> average;
  for (const std::int64_t patch : preset.patches) {
    settings.patch = patch;
    std::vector<FloatPlane> run = progressive(noisy, estimate, preset.rests, settings);
    if (average.empty()) {
      average = std::move(run);
      continue;
    }
    for (std::size_t c = 0; c < run.size(); ++c)
      for (std::size_t i = 0; i < run[c].values.size(); ++i) average[c].values[i] += run[c].values[i];
  }
  const float share = 1.0F / static_cast<float>(preset.patches.size());
  for (FloatPlane& channel : average)
    for (float& value : channel.values) value *= share;
  return average;
}

FloatPlane frame_of(const FloatPlane& stack, std::int64_t frames, std::int64_t frame) {
  FloatPlane result(stack.height / frames, stack.width);
  std::copy_n(stack.row(frame * result.height), result.values.size(), result.values.begin());
  return result;
}

/// half_size() of every frame.
FloatPlane half_frames(const FloatPlane& stack, std::int64_t frames) {
  FloatPlane halves;
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const FloatPlane half = half_size(frame_of(stack, frames, frame));
    halves.width = half.width;
    halves.height += half.height;
    halves.values.insert(halves.values.end(), half.values.begin(), half.values.end());
  }
  return halves;
}

}  // namespace

const std::vector<GroupPreset>& group_presets() {
  static const std::vector<GroupPreset> presets = {
      {"fast", kStride, Smoothing::average, {}},
      {"middle", kStride, Smoothing::left, {0.25, 0}},
      {"best", kStride, Smoothing::left, {0.5, 0.28, 0.12, 0}},
      {"max", 4, Smoothing::left, {0.6, 0.45, 0.3, 0.15, 0}, {6, 5}},
  };
  return presets;
}

std::vector<FloatPlane> denoise_by_groups(const std::vector<FloatPlane>& noisy, const GroupPreset& preset,
                                          std::int64_t frames) {
  if (noisy.empty() || std::min(noisy[0].height / frames, noisy[0].width) < kLeastSide)
    throw InternalError("denoise_by_groups: the image is too small");
  std::vector<FloatPlane> estimate = at_one_scale(noisy, preset, frames);
  if (std::min(noisy[0].height / frames, noisy[0].width) < kLeastScaled) return estimate;
  std::vector<FloatPlane> half;
  for (const FloatPlane& channel : noisy) half.push_back(half_frames(channel, frames));
  half = at_one_scale(half, preset, frames);
  for (std::size_t c = 0; c < noisy.size(); ++c)
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      FloatPlane own = frame_of(estimate[c], frames, frame);
      mix_low_frequencies(own, frame_of(half[c], frames, frame), kMix);
      std::copy(own.values.begin(), own.values.end(), estimate[c].row(frame * own.height));
    }
  return estimate;
}

}  // namespace noiseutils

#pragma once

#include <string_view>
#include <vector>

#include "base/option.hpp"
#include "denoise/float_plane.hpp"
#include "denoise/group_estimate.hpp"

namespace noiseutils {

/// How much work denoise_by_groups() does.
struct GroupPreset {
  std::string_view name;
  std::int64_t stride;                      ///< between the references of the guided passes
  Smoothing second;                         ///< of the pass after the pilot
  std::vector<double> rests;                ///< tau: how much noise, as a share of sigma, each progressive pass leaves
  std::vector<std::int64_t> patches = {6};  ///< sides of the patches, 5 or 6, of as many runs of the progressive passes
};

/// fast, middle, best, max
const std::vector<GroupPreset>& group_presets();

/// Smallest image side: what holds a group of the pilot.
constexpr std::int64_t kLeastSide = 12;

/// Estimates an image from nothing but itself, by groups of patches that look alike. `noisy`: its channels, of one
/// size, under white noise of variance 1 each; the pilot compares patches by the first, later steps by all. Steps:
///   A  pilot (PilotWork) on groups of the noisy image
///   B  guided_estimate() of the noisy image, guided by A
///   C  progressive: z = noisy; for each tau the estimate x of z guided by the last x, with the noise that the group is
///      measured to have left, t = max(1 - std(noisy - z), tau); then z <- (1 - r) x + r z, r = tau / t;
///      once for each size of patches, and the average of these
///   D  the same at half the size, mixed into the lowest frequencies (mix_low_frequencies())
/// A and the measured part of C are those of NL-Ridge and LIChI (see GroupWork), with fewer passes; B, D and the mean
/// of the two smoothings are ours. Sides below kLeastSide are an error of the caller.
/// frames: the image is a stack of so many, of equal height, below each other; groups are found across neighbouring
/// ones, and estimate all their patches together.
std::vector<FloatPlane> denoise_by_groups(const std::vector<FloatPlane>& noisy, const GroupPreset& preset,
                                          std::int64_t frames = 1);

}  // namespace noiseutils

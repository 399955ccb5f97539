#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "denoise/float_plane.hpp"
#include "denoise/sample_denoiser.hpp"

namespace noiseutils {

/// How a method of --self estimates images from themselves.
struct SelfWork {
  /// noisy: the channels of an image in the opponent space, of which the first is the luminance, under white noise of
  /// variance 1 each. frames: the image is a stack of so many, of equal height, below each other. Returns the estimate.
  using Estimate = std::function<std::vector<FloatPlane>(const std::vector<FloatPlane>& noisy, std::int64_t frames)>;
  Estimate estimate;
  std::int64_t least_side = 1;  ///< pixels a side that it can work with
  bool stacks = false;          ///< whether it gains from seeing several frames of a stack; else it sees one at a time
  bool pool = false;            ///< whether the samples of a batch count as frames of one stack
};

/// The denoiser of samples with axes ...HW or ...CHW. An axis T or Z before these makes a stack, if the method takes
/// stacks; steps along any other axis are estimated each alone. Images are cut into tiles, stacks also into runs of
/// frames, which are faded into each other (tiles.hpp): what is held beside a result does not grow with the sample.
std::unique_ptr<SampleDenoiser> self_denoiser(SelfWork work);

}  // namespace noiseutils

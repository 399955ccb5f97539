#pragma once

#include <memory>

#include "noise/forward_process.hpp"
#include "noise/noise.hpp"

namespace noiseutils {

struct DiffusionTimes {
  double first = 0, last = 0;  ///< equal, or the ends of the interval that each sample's time is drawn from
};

/// The forward step of a diffusion as a law, x_t = alpha_t x_0 + sigma_t n; rescaled: x_t / alpha_t. With alpha = 1 it
/// draws the bytes of gaussian noise of sigma_t. A sample's time is uniform between the ends (of a chain: on its times
/// from the one to the other, both included), from the stream of Purpose::parameters.
/// In metadata it is gaussian with `sigma`, `alpha` of the data that it makes, `schedule` and `t`.
/// Throws UsageError where a time is none of the process. A sample whose time has no noise, or alpha 0 where it would
/// be rescaled, is refused when its turn comes (UsageError).
std::unique_ptr<Noise> diffusion_noise(const ForwardProcess& process, const DiffusionTimes& times, bool rescaled);

}  // namespace noiseutils

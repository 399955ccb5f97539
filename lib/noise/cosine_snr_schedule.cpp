#include <algorithm>

#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// log(alpha^2/sigma^2) = mean - 2 log tan(pi t / 2)
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const auto [sine, cosine] = portable::sincos_of_turns(t / 4);
  return level_of_log_snr(parameters.at("logsnr-mean") - 2 * portable::log(sine / std::max(cosine, 1e-300)));
}

}  // namespace

ScheduleFamily cosine_snr_schedule() {
  return {"cosine-snr",
          "log SNR = -2 log tan(pi t / 2), alpha = cos(pi t / 2), shifted by logsnr-mean",
          "Hoogeboom, Heek, Salimans 2023, Simple diffusion",
          log_snr_options(false),
          at,
          nullptr,
          1e-3,
          1 - 1e-3};
}

}  // namespace noiseutils

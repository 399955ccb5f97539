#include <algorithm>

#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// log(alpha^2/sigma^2) = mean + spread tan(pi/2 (1 - 2 t)): the quantile of the Cauchy law
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const auto [sine, cosine] = portable::sincos_of_turns(t / 2);
  return level_of_log_snr(parameters.at("logsnr-mean") +
                          parameters.at("logsnr-spread") * (cosine / std::max(sine, 1e-300)));
}

}  // namespace

ScheduleFamily cauchy_schedule() {
  return {"cauchy",
          "log SNR at uniform t follows a Cauchy law",
          "Hang, Gu, Geng, Guo 2024, Improved noise schedule for diffusion training",
          log_snr_options(true),
          at,
          nullptr,
          0.02,
          0.98};
}

}  // namespace noiseutils

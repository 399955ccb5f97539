#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// log(alpha^2/sigma^2) = mean - spread sgn(1/2 - t) log(1 - 2 |t - 1/2|): the quantile of the Laplace law
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double tail = 1 - 2 * (t < 0.5 ? 0.5 - t : t - 0.5);
  const double size = -parameters.at("logsnr-spread") * portable::log(tail);
  return level_of_log_snr(parameters.at("logsnr-mean") + (t < 0.5 ? size : -size));
}

}  // namespace

ScheduleFamily laplace_schedule() {
  return {"laplace",
          "log SNR at uniform t follows a Laplace law",
          "Hang, Gu, Geng, Guo 2024, Improved noise schedule for diffusion training",
          log_snr_options(true),
          at,
          nullptr,
          1e-6,
          1 - 1e-6};
}

}  // namespace noiseutils

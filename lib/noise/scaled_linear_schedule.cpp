#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

/// beta_i = (sqrt(beta_min) + i/(T-1) (sqrt(beta_max) - sqrt(beta_min)))^2
DiscreteTimes chain(const ScheduleParameters& parameters) { return chain_of_betas(scaled_linear_betas(parameters)); }

}  // namespace

ScheduleFamily scaled_linear_schedule() {
  return {"scaled-linear",
          "the root of beta rises linearly over T times, as in latent diffusion",
          "Rombach, Blattmann, Lorenz, Esser, Ommer 2022, released code",
          {beta_option(false).otherwise("0.00085").at_most(1), beta_option(true).otherwise("0.012").at_most(1),
           timesteps_option(), input_scale_option()},
          nullptr,
          chain};
}

}  // namespace noiseutils

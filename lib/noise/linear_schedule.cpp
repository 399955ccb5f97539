#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

/// beta_i = 1000/T (beta_min + i/(T-1) (beta_max - beta_min)): the sum of the betas does not depend on T.
DiscreteTimes chain(const ScheduleParameters& parameters) {
  const std::int64_t times = static_cast<std::int64_t>(parameters.at("timesteps"));
  const double scale = 1000 / static_cast<double>(times);
  return chain_of_betas(linspace(scale * parameters.at("beta-min"), scale * parameters.at("beta-max"), times));
}

}  // namespace

ScheduleFamily linear_schedule() {
  return {"linear",
          "beta rises linearly over T times, as in DDPM",
          "Ho, Jain, Abbeel 2020, section 4",
          {beta_option(false).otherwise("0.0001").at_most(1), beta_option(true).otherwise("0.02").at_most(1),
           timesteps_option(), input_scale_option()},
          nullptr,
          chain};
}

}  // namespace noiseutils

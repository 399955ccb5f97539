#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

/// alpha^2 = exp(-B(t)),  sigma = 1 - exp(-B(t)),  B(t) = beta_min t + (beta_max - beta_min) t^2 / 2
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double decay = decay_of_linear_rate(t, parameters);
  return {level_of_decay(decay).alpha, one_minus_exp(decay)};
}

}  // namespace

ScheduleFamily sub_vp_schedule() {
  return {"sub-vp",
          "alpha of vp, with less noise",
          "Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, equation 34",
          {beta_option(false).otherwise("0.1").at_most(1000), beta_option(true).otherwise("20").at_most(1000),
           input_scale_option()},
          at,
          nullptr,
          1e-3};
}

}  // namespace noiseutils

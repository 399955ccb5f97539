#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

/// alpha^2 = exp(-B(t)),  B(t) = beta_min t + (beta_max - beta_min) t^2 / 2
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  return level_of_decay(decay_of_linear_rate(t, parameters));
}

}  // namespace

ScheduleFamily vp_schedule() {
  return {"vp",
          "variance preserving, the limit of linear for many times",
          "Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, equation 33",
          {beta_option(false).otherwise("0.1").at_most(1000), beta_option(true).otherwise("20").at_most(1000),
           input_scale_option()},
          at,
          nullptr,
          1e-3};
}

}  // namespace noiseutils

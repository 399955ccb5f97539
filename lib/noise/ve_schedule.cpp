#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// sigma = sigma_min (sigma_max / sigma_min)^t
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double sigma_min = parameters.at("sigma-min"), sigma_max = parameters.at("sigma-max");
  if (!(sigma_min < sigma_max))
    throw UsageError("--sigma-min " + format_number(sigma_min) + " is not below --sigma-max " +
                     format_number(sigma_max));
  return {1, t == 1 ? sigma_max : sigma_min * portable::pow(sigma_max / sigma_min, t)};
}

}  // namespace

ScheduleFamily ve_schedule() {
  return {"ve",
          "alpha = 1, sigma grows by equal factors",
          "Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, equation 30",
          {sigma_option(false).otherwise("0.01"), sigma_option(true).otherwise("50")},
          at,
          nullptr,
          1e-5};
}

}  // namespace noiseutils

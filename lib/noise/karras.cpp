#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// sigma_i = (sigma_max^(1/rho) + i/(N-1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho, i < N;  sigma_N = 0;  alpha
/// = 1.  Here t = 1 - i/(N-1).
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double sigma_min = parameters.at("sigma-min"), sigma_max = parameters.at("sigma-max");
  const double rho = parameters.at("rho");
  if (!(sigma_min < sigma_max))
    throw UsageError("--sigma-min " + format_number(sigma_min) + " is not below --sigma-max " +
                     format_number(sigma_max));
  if (t == 1) return {1, sigma_max};
  if (t == 0) return {1, sigma_min};
  const double begin = portable::pow(sigma_max, 1 / rho), end = portable::pow(sigma_min, 1 / rho);
  return {1, portable::pow(begin + (1 - t) * (end - begin), rho)};
}

}  // namespace

ScheduleFamily karras_schedule() {
  return {"karras",
          "alpha = 1, equal steps in sigma^(1/rho), then sigma = 0",
          "Karras, Aittala, Aila, Laine 2022, equation 5",
          {sigma_option(false).otherwise("0.002"), sigma_option(true).otherwise("80"),
           number("rho", "R", "exponent: steps get shorter towards small sigma as it grows")
               .otherwise("7")
               .above(0)
               .at_most(1000)},
          at};
}

}  // namespace noiseutils

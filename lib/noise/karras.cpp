#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/schedule.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// sigma_i = (sigma_max^(1/rho) + i/(N-1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho, i < N;  sigma_N = 0;  alpha
/// = 1.
std::vector<NoiseLevel> karras_levels(std::int64_t steps, const ScheduleParameters& parameters) {
  const double sigma_min = parameters.at("sigma-min"), sigma_max = parameters.at("sigma-max");
  const double rho = parameters.at("rho");
  if (!(sigma_min < sigma_max))
    throw UsageError("--sigma-min " + format_number(sigma_min) + " is not below --sigma-max " +
                     format_number(sigma_max));
  const double begin = portable::pow(sigma_max, 1 / rho), end = portable::pow(sigma_min, 1 / rho);
  std::vector<NoiseLevel> levels;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double t = steps == 1 ? 0 : static_cast<double>(i) / static_cast<double>(steps - 1);
    levels.push_back({1, i == 0           ? sigma_max
                         : i + 1 == steps ? sigma_min
                                          : portable::pow(begin + t * (end - begin), rho)});
  }
  levels.push_back({1, 0});
  return levels;
}

}  // namespace

ScheduleFamily karras_schedule() {
  return {"karras",
          "alpha = 1, equal steps in sigma^(1/rho), then sigma = 0",
          "Karras, Aittala, Aila, Laine 2022, equation 5",
          {number("sigma-min", "S", "smallest sigma above 0, in units of data").otherwise("0.002").above(0),
           number("sigma-max", "S", "sigma of the start, in units of data").otherwise("80").above(0),
           number("rho", "R", "exponent: steps get shorter towards small sigma as it grows")
               .otherwise("7")
               .above(0)
               .at_most(1000)},
          karras_levels};
}

}  // namespace noiseutils

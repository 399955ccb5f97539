#include <cmath>

#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

/// r_i = sqrt(retained_i) of scaled-linear becomes (r_i - r_(T-1)) r_0 / (r_0 - r_(T-1)); betas from the ratios.
DiscreteTimes chain(const ScheduleParameters& parameters) {
  const std::vector<double> retained = chain_of_betas(scaled_linear_betas(parameters)).retained;
  const double first = std::sqrt(retained.front()), last = std::sqrt(retained.back());
  DiscreteTimes chain;
  double before = 1;
  for (const double value : retained) {
    const double root = (std::sqrt(value) - last) * (first / (first - last));
    chain.retained.push_back(chain.retained.empty() ? value : root * root);  // the first is kept, to the last digit
    chain.betas.push_back(1 - chain.retained.back() / before);
    before = chain.retained.back();
  }
  return chain;
}

}  // namespace

ScheduleFamily zero_snr_schedule() {
  return {"zero-snr",
          "scaled-linear, shifted and scaled so that nothing of the sample is left at the last time",
          "Lin, Liu, Li, Yang 2024, algorithm 1",
          {beta_option(false).otherwise("0.00085").at_most(1), beta_option(true).otherwise("0.012").at_most(1),
           timesteps_option(), input_scale_option()},
          nullptr,
          chain};
}

}  // namespace noiseutils

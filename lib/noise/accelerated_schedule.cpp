#include <algorithm>

#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// beta_1 = T^(-c0),  beta_t = q min(beta_1 (1 + q)^t, 1) for t = 2 ... T,  q = c1 log(T) / T
/// The noise grows by the factor 1 + q a time at first, then the sample fades by 1 - q: beta_t / (1 - retained_(t-1))
/// is at most about q everywhere, which theories of many small steps need. Here times count from 0, t - 1.
DiscreteTimes chain(const ScheduleParameters& parameters) {
  const double T = parameters.at("timesteps"), log_T = portable::log(T);
  const double q = parameters.at("c1") * log_T / T, first = portable::exp(-parameters.at("c0") * log_T);
  std::vector<double> betas{first};
  for (double t = 2, growth = (1 + q) * (1 + q); t <= T; ++t, growth *= 1 + q)
    betas.push_back(q * std::min(first * growth, 1.0));
  return chain_of_betas(std::move(betas));
}

}  // namespace

ScheduleFamily accelerated_schedule() {
  return {"accelerated",
          "noise that grows, then a sample that fades, by the same small factor over T times",
          "Li, Huang, Efimov, Wei, Chi, Chen 2024, learning rates",
          {number("c0", "C", "the first beta of T times is T^-C").otherwise("2").above(0).at_most(10),
           number("c1", "C", "betas are at most C log(T)/T").otherwise("4").above(0).at_most(100), timesteps_option(),
           input_scale_option()},
          nullptr,
          chain};
}

}  // namespace noiseutils

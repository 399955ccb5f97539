#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// How the learning rate changes over a run: one entry of rate_schedules().
struct RateSchedule {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// What the rate of step t = 0 ... steps - 1 is multiplied by. nullptr: of `theory`, whose rates follow from the law
  /// of the data (best_rates() of gradient_theory.hpp).
  double (*factor)(std::int64_t t, std::int64_t steps, const OptionValues& given);
};

/// constant: 1.
/// step: 2^-floor(t / K), K by default steps / log2(steps) rounded up: near-optimal variance for SGD with momentum
///   (Pan, Liu, Wang, Zhang 2024).
/// cosine: f + (1 - f) (1 + cos(pi T / T_i)) / 2, T the steps since the last restart, T_i = T0 m^i the length of period
///   i (Loshchilov, Hutter 2017, SGDR, eq. 5); T0 by default all steps.
const std::vector<RateSchedule>& rate_schedules();

}  // namespace noiseutils

#pragma once

#include <optional>

#include "train/loss_weight.hpp"
#include "train/optimizer.hpp"
#include "train/rate_schedule.hpp"
#include "train/sigma_law.hpp"

namespace noiseutils {

/// What kind sgd was asked for, checked as a whole.
struct SgdRequest {
  const OptimizerKind* optimizer = nullptr;
  const RateSchedule* schedule = nullptr;
  const LossWeight* weight = nullptr;
  OptionValues optimizer_values, schedule_values, weight_values;
  SigmaSampler sigmas{1};
  std::optional<double> rate, clip;
  std::int64_t batch = 1, steps = 1, depth = 1, rows = 1, repeats = 1;
  double gain = 0;
  std::string average;
  bool fixed_pairs = false, early_stop = false, theory = false;
  std::uint64_t seed = 0;

  double momentum() const { return optimizer_values.declared("momentum") ? optimizer_values.number("momentum") : 0; }
};

std::vector<OptionSpec> sgd_options();
/// Throws UsageError where options do not fit each other.
SgdRequest sgd_request(const OptionValues& given);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <vector>

#include "noise/schedule.hpp"

namespace noiseutils {

/// A schedule with its parameters fixed, as a function of time: x_t = alpha_t x_0 + sigma_t n.
class ForwardProcess {
 public:
  /// Parameters that are not given have the default of the family. Throws UsageError if they do not fit.
  ForwardProcess(const ScheduleFamily& family, ScheduleParameters parameters);

  const ScheduleFamily& family() const { return family_; }
  const ScheduleParameters& parameters() const { return parameters_; }
  bool is_discrete() const { return family_.chain != nullptr; }
  /// Times of a chain, T; 0 if time is continuous.
  std::int64_t times() const { return static_cast<std::int64_t>(chain_.betas.size()); }
  double beta(std::int64_t i) const { return chain_.betas[static_cast<std::size_t>(i)]; }

  /// t: 0 ... T-1 of a chain, a whole number; else a real number in [0, 1]. UsageError for any other.
  NoiseLevel level(double t) const;
  /// The level of s = sigma / alpha, between those at the ends of time: of a chain, which is variance-preserving, in
  /// closed form; else at the time where the family has that s.
  NoiseLevel level_of_relative(double s) const;

 private:
  ScheduleFamily family_;
  ScheduleParameters parameters_;
  DiscreteTimes chain_;
};

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// One level of a forward process, x = alpha x_0 + sigma n with n ~ N(0, I).
struct NoiseLevel {
  double alpha = 1;
  double sigma = 0;

  /// s = sigma / alpha: the noise beside a sample of unit scale.
  double relative() const { return sigma / alpha; }
};

/// The numbers that fix a schedule within its family, by option name: {"sigma-max": 80}.
using ScheduleParameters = std::map<std::string, double, std::less<>>;

/// The levels a sampler steps through, from the noisiest to the last: N steps have N + 1 levels, and s = sigma / alpha
/// falls from each to the next.
struct Schedule {
  std::string name;
  ScheduleParameters parameters;
  std::vector<NoiseLevel> levels;

  std::int64_t steps() const { return static_cast<std::int64_t>(levels.size()) - 1; }
  double s(std::int64_t i) const { return levels[static_cast<std::size_t>(i)].relative(); }
};

/// A family of schedules: one entry of schedule_families(), made in one file of this folder.
struct ScheduleFamily {
  std::string name;
  std::string summary;
  std::string source;
  std::vector<OptionSpec> options;  ///< numbers with a default
  /// The steps + 1 levels. Throws UsageError if the parameters do not fit each other.
  std::vector<NoiseLevel> (*levels)(std::int64_t steps, const ScheduleParameters& parameters);
};

const std::vector<ScheduleFamily>& schedule_families();

/// The schedule of `steps` steps that a family's options describe. Throws UsageError if they do not fit, or if s would
/// not fall at every step.
Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const OptionValues& options);
Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const ScheduleParameters& parameters);

// One function a file; schedule_families() lists them.
ScheduleFamily karras_schedule();

}  // namespace noiseutils

#include "noise/forward_process.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/variance_preserving.hpp"

namespace noiseutils {
namespace {

ScheduleParameters completed(const ScheduleFamily& family, ScheduleParameters parameters) {
  for (const OptionSpec& option : family.options) {
    const auto found = parameters.find(option.name);
    if (found == parameters.end())
      parameters[option.name] = parse_number(option.fallback);
    else
      check_option_value(option, format_number(found->second));
  }
  return parameters;
}

double input_scale(const ScheduleParameters& parameters) {
  const auto found = parameters.find("input-scale");
  return found == parameters.end() ? 1 : found->second;
}

}  // namespace

ForwardProcess::ForwardProcess(const ScheduleFamily& family, ScheduleParameters parameters)
    : family_(family), parameters_(completed(family, std::move(parameters))) {
  if (is_discrete()) chain_ = family_.chain(parameters_);
}

NoiseLevel ForwardProcess::level(double t) const {
  const std::string who = "schedule " + family_.name + ": t = " + format_number(t);
  NoiseLevel level;
  if (is_discrete()) {
    if (!(t >= 0) || !(t < static_cast<double>(times())) || t != std::floor(t))
      throw UsageError(who + " is none of its times, 0 to " + std::to_string(times() - 1));
    level = level_of_retained(chain_.retained[static_cast<std::size_t>(t)]);
  } else {
    if (!(t >= 0 && t <= 1)) throw UsageError(who + " is not between 0 and 1");
    level = family_.at(t, parameters_);
  }
  level.alpha *= input_scale(parameters_);
  return level;
}

NoiseLevel ForwardProcess::level_of_relative(double s) const {
  if (is_discrete()) {
    const double b = input_scale(parameters_), alpha = b / std::sqrt(1 + b * b * s * s);
    return {alpha, alpha * s};
  }
  double low = 0, high = 1;
  for (double t = 0.5; low < t && t < high; t = low + (high - low) / 2) (level(t).relative() < s ? low : high) = t;
  const double alpha = level(high).alpha;
  return {alpha, alpha * s};
}

}  // namespace noiseutils

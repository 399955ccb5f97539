#include "sample/request_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "noise/forward_process.hpp"
#include "noise/schedule_options.hpp"

namespace noiseutils {
namespace {

/// The schedule from sigma on: a level at sigma, then those below it.
Schedule part_from(Schedule schedule, double sigma) {
  if (!(sigma < schedule.s(0)) || !(sigma > schedule.levels.back().relative()))
    throw UsageError("--from-sigma " + format_number(sigma) + " is not between the levels of the schedule, " +
                     format_number(schedule.levels.back().relative()) + " and " + format_number(schedule.s(0)));
  auto& levels = schedule.levels;
  const auto below =
      std::find_if(levels.begin(), levels.end(), [&](const NoiseLevel& l) { return l.relative() < sigma; });
  const double norm = below->alpha * below->alpha + below->sigma * below->sigma;
  // Variance-preserving schedules stay so; others keep the scale of the next level.
  const double alpha = below->alpha != 1 && std::abs(norm - 1) < 1e-9 ? 1 / std::hypot(1.0, sigma) : below->alpha;
  levels.erase(levels.begin(), below);
  levels.insert(levels.begin(), NoiseLevel{alpha, alpha * sigma});
  schedule.parameters["from-sigma"] = sigma;
  return schedule;
}

/// The steps that a schedule may have: those of a chain are at most its times.
std::int64_t most_steps(const OptionValues& options) {
  const ScheduleFamily& family = *find_entry(schedule_families(), options.text("schedule"));
  const ForwardProcess process(family, schedule_parameters(family, options, spacing_named(options.text("spacing"))));
  return process.is_discrete() ? process.times() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

Schedule requested_schedule(const OptionValues& options, std::int64_t steps) {
  const ScheduleFamily& family = *find_entry(schedule_families(), options.text("schedule"));
  const Spacing spacing = spacing_named(options.text("spacing"));
  if (options.given("spacing") && family.chain == nullptr && !spaced_by_level(spacing))
    throw UsageError("--spacing " + options.text("spacing") + " is of schedules with discrete times, and " +
                     family.name + " is none; karras and log are of all");
  Schedule schedule =
      make_schedule(family, steps, schedule_parameters(family, options, spacing), spacing, options.number("rho"));
  return options.given("from-sigma") ? part_from(std::move(schedule), options.number("from-sigma")) : schedule;
}

Schedule schedule_of_calls(const OptionValues& options, SamplingPlan plan, std::int64_t calls) {
  if (options.given("steps")) throw UsageError("--steps and --nfe exclude each other");
  if (!plan.sampler.affine || !plan.sampler.takes_steps())
    throw UsageError("--nfe: the calls of sampler " + plan.sampler.name + " are not known beforehand; give --steps");
  const auto cost = [&](std::int64_t steps) {
    plan.schedule = requested_schedule(options, steps);
    return *denoiser_calls(plan);
  };
  const std::int64_t least = plan.sampler.minimum_steps;
  if (cost(least) > calls)
    throw UsageError("--nfe " + std::to_string(calls) + ": the least that sampler " + plan.sampler.name + " needs is " +
                     std::to_string(cost(least)));
  // Calls rise with the steps, so the most steps are found by halving. A step of whatever sampler costs a call, but of
  // one whose calls do not depend on the steps; a chain has no more steps than times.
  std::int64_t enough = least, beyond = std::min(calls + 1, most_steps(options)) + 1;
  while (enough + 1 < beyond) {
    const std::int64_t middle = enough + (beyond - enough) / 2;
    (cost(middle) <= calls ? enough : beyond) = middle;
  }
  return requested_schedule(options, enough);
}

void refuse_schedule(const OptionValues& options, const Sampler& sampler) {
  std::vector<OptionSpec> heeded = schedule_options();
  for (const char* name : {"schedule", "spacing", "from-sigma"}) heeded.push_back(text(name, "", ""));
  for (const OptionSpec& option : heeded)
    if (options.given(option.name))
      throw UsageError("--" + option.name + ": sampler " + sampler.name + " has times of its own, no schedule");
}

}  // namespace noiseutils

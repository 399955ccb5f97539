#include "noise/schedule.hpp"

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

void check_falling(const Schedule& schedule) {
  for (std::int64_t i = 0; i < schedule.steps(); ++i)
    if (!(schedule.s(i + 1) < schedule.s(i)) || schedule.s(i + 1) < 0)
      throw UsageError("schedule " + schedule.name + ": sigma does not fall at step " + std::to_string(i) + ", from " +
                       format_number(schedule.s(i)) + " to " + format_number(schedule.s(i + 1)));
}

}  // namespace

const std::vector<ScheduleFamily>& schedule_families() {
  static const std::vector<ScheduleFamily> families = {karras_schedule()};
  return families;
}

Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const OptionValues& options) {
  ScheduleParameters parameters;
  for (const OptionSpec& option : family.options) parameters[option.name] = options.number(option.name);
  return make_schedule(family, steps, parameters);
}

Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const ScheduleParameters& parameters) {
  if (steps < 1) throw UsageError("a schedule has at least 1 step, not " + std::to_string(steps));
  Schedule schedule{family.name, parameters, family.levels(steps, parameters)};
  check_falling(schedule);
  return schedule;
}

}  // namespace noiseutils

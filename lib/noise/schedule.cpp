#include "noise/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/forward_process.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

void check_falling(const Schedule& schedule) {
  for (std::int64_t i = 0; i < schedule.steps(); ++i)
    if (!(schedule.s(i + 1) < schedule.s(i)) || schedule.s(i + 1) < 0)
      throw UsageError("schedule " + schedule.name + ": sigma does not fall at step " + std::to_string(i) + ", from " +
                       format_number(schedule.s(i)) + " to " + format_number(schedule.s(i + 1)));
}

/// Time number i of n between the last and the first, both exact.
double spaced_time(const ScheduleFamily& family, std::int64_t i, std::int64_t n) {
  if (i == 0) return family.last_time;
  if (i + 1 == n) return family.first_time;
  const double part = static_cast<double>(i) / static_cast<double>(n - 1);
  return family.last_time + part * (family.first_time - family.last_time);
}

/// Number i of n between first and last, both exact, at equal steps of s^(1/rho) or of log s.
double spaced_level(double first, double last, std::int64_t i, std::int64_t n, Spacing spacing, double rho) {
  if (i == 0) return first;
  if (i + 1 == n) return last;
  const double part = static_cast<double>(i) / static_cast<double>(n - 1);
  if (spacing == Spacing::log) return first * portable::exp(part * portable::log(last / first));
  const double begin = portable::pow(first, 1 / rho), end = portable::pow(last, 1 / rho);
  return portable::pow(begin + part * (end - begin), rho);
}

/// Moves the levels between the first finite one and the last above 0.
void space_by_level(Schedule& schedule, const ForwardProcess& process, Spacing spacing, double rho) {
  const std::int64_t begin = std::isfinite(schedule.s(0)) ? 0 : 1;
  const std::int64_t n = schedule.steps() - begin;  // all but the last, which is 0
  const double first = schedule.s(begin), last = n > 0 ? schedule.s(schedule.steps() - 1) : first;
  for (std::int64_t i = 1; i + 1 < n; ++i)
    schedule.levels[static_cast<std::size_t>(begin + i)] =
        process.level_of_relative(spaced_level(first, last, i, n, spacing, rho));
  schedule.parameters.erase("rho");  // of the family karras, whose levels these are not
  if (spacing == Spacing::karras) schedule.parameters["rho"] = rho;
}

}  // namespace

double NoiseLevel::log_snr() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (sigma == 0) return kInfinity;
  if (alpha == 0) return -kInfinity;
  return 2 * portable::log(alpha / sigma);
}

const std::vector<ScheduleFamily>& schedule_families() {
  static const std::vector<ScheduleFamily> families = {
      karras_schedule(),   linear_schedule(),       scaled_linear_schedule(), cosine_schedule(),
      zero_snr_schedule(), cosine_gamma_schedule(), cosine_simple_schedule(), sigmoid_schedule(),
      ve_schedule(),       vp_schedule(),           sub_vp_schedule(),        laplace_schedule(),
      cauchy_schedule(),   cosine_snr_schedule()};
  return families;
}

const std::vector<std::string>& spacing_names() {
  static const std::vector<std::string> names = {"linspace", "trailing", "leading", "quadratic", "karras", "log"};
  return names;
}

Spacing spacing_named(const std::string& name) {
  const auto& names = spacing_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw UsageError("\"" + name + "\" is no spacing");
  return static_cast<Spacing>(found - names.begin());
}

std::vector<std::int64_t> spaced_times(Spacing spacing, std::int64_t times, std::int64_t steps) {
  if (steps > times)
    throw UsageError(std::to_string(steps) + " steps are more than the " + std::to_string(times) +
                     " times of the schedule");
  const auto T = static_cast<double>(times), N = static_cast<double>(steps);
  std::vector<std::int64_t> falling;
  for (std::int64_t i = steps - 1; i >= 0; --i) {
    const double part = steps == 1 ? 1 : static_cast<double>(i) / (N - 1);
    double t = 0;
    switch (spacing) {
      case Spacing::linspace:
      case Spacing::karras:
      case Spacing::log:
        t = std::nearbyint(part * (T - 1));
        break;
      case Spacing::trailing:
        t = std::nearbyint(T - static_cast<double>(steps - 1 - i) * T / N) - 1;
        break;
      case Spacing::leading:
        t = static_cast<double>(times / steps * i);
        break;
      case Spacing::quadratic:
        t = std::floor(part * part * 0.8 * T);
        break;
    }
    falling.push_back(static_cast<std::int64_t>(t));
  }
  return falling;
}

Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const ScheduleParameters& parameters,
                       Spacing spacing, double rho) {
  if (steps < 1) throw UsageError("a schedule has at least 1 step, not " + std::to_string(steps));
  const ForwardProcess process(family, parameters);
  Schedule schedule{family.name, process.parameters(), {}};
  if (process.is_discrete() || spaced_by_level(spacing))
    schedule.spacing = spacing_names()[static_cast<std::size_t>(spacing)];
  if (process.is_discrete()) {
    for (const std::int64_t t : spaced_times(spacing, process.times(), steps))
      schedule.levels.push_back(process.level(static_cast<double>(t)));
  } else {
    const std::int64_t n = process.level(family.first_time).sigma == 0 ? steps + 1 : steps;
    for (std::int64_t i = 0; i < steps; ++i) schedule.levels.push_back(process.level(spaced_time(family, i, n)));
  }
  schedule.levels.push_back({1, 0});  // where nothing of the noise is left, x is x_0 itself
  if (spaced_by_level(spacing)) space_by_level(schedule, process, spacing, rho);
  check_falling(schedule);
  return schedule;
}

}  // namespace noiseutils

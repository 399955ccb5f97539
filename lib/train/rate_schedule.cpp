#include "train/rate_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace noiseutils {
namespace {

double constant_factor(std::int64_t, std::int64_t, const OptionValues&) { return 1; }

double step_factor(std::int64_t t, std::int64_t steps, const OptionValues& given) {
  const auto all = static_cast<double>(steps);
  const std::int64_t period = given.has("decay-steps")
                                  ? given.integer("decay-steps")
                                  : static_cast<std::int64_t>(std::ceil(all / std::max(1.0, std::log2(all))));
  return std::exp2(-static_cast<double>(t / period));
}

double cosine_factor(std::int64_t t, std::int64_t steps, const OptionValues& given) {
  const std::int64_t growth = given.integer("period-growth");
  std::int64_t period = given.has("period") ? given.integer("period") : steps, begin = 0;
  if (growth == 1) begin = t / period * period;
  for (; t - begin >= period; period *= growth) begin += period;
  const double floor = given.number("rate-floor"), done = static_cast<double>(t - begin) / static_cast<double>(period);
  return floor + (1 - floor) / 2 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace

const std::vector<RateSchedule>& rate_schedules() {
  static const std::vector<RateSchedule> all = {
      {"constant", "one rate", {}, constant_factor},
      {"step",
       "halved again and again",
       {integer("decay-steps", "K", "steps between halvings; default: steps / log2(steps)").at_least(1).at_most(1e12)},
       step_factor},
      {"cosine",
       "down a cosine, with warm restarts",
       {integer("period", "T", "steps to the first restart; default: all").at_least(1).at_most(1e12),
        integer("period-growth", "M", "each period is so many times the last").otherwise("1").at_least(1).at_most(1000),
        number("rate-floor", "F", "lowest rate, as a share of the learning rate")
            .otherwise("0")
            .at_least(0)
            .at_most(1)},
       cosine_factor},
      {"theory", "the rate that lowers the expected error most at each step", {}, nullptr}};
  return all;
}

}  // namespace noiseutils

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/error.hpp"
#include "report/fitted_order.hpp"
#include "report/law_errors.hpp"
#include "report/sampler_report.hpp"
#include "report/timed_run.hpp"

namespace noiseutils {
namespace {

class ExactReport : public SamplerReport {
 public:
  ExactReport(Target& target, ReportSettings settings)
      : target_(target), settings_(std::move(settings)), spectrum_(spectrum_of(*target.model()->linear())) {}

  std::vector<SamplerErrors> rows(const Sampler& sampler, const OptionValues& options) override {
    if (!sampler.affine || !sampler.takes_steps()) throw InternalError("no exact report on " + sampler.name);
    std::vector<SamplerErrors> rows;
    std::vector<double> order_errors;
    const std::vector<std::int64_t> counts = possible_steps(settings_, sampler);
    for (const std::int64_t steps : counts) {
      const Schedule schedule = settings_.schedule(steps);
      const SamplingPlan plan{sampler, options, schedule, settings_.seed, Stepping::one_by_one};
      const auto maker = sample_maker(target_, plan);  // refuses what it cannot do
      const SamplerSettings as_used{sampler, options, schedule};
      const LawErrors errors = law_errors(affine_law(as_used, spectrum_.lambda), spectrum_, schedule.s(0),
                                          schedule.s(schedule.steps()), StartLaw::noise);
      SamplerErrors row{sampler.name, steps, static_cast<double>(sampler_cost(as_used).calls)};
      row.exact = true;
      row.w2 = errors.w2;
      row.mean = errors.mean;
      row.variance = errors.variance;
      row.flow = sampler.own_times ? std::numeric_limits<double>::quiet_NaN() : errors.flow;
      row.seconds = settings_.timing ? timed_run<float>(*maker, target_.dim(), settings_.count).seconds / row.nfe
                                     : std::numeric_limits<double>::quiet_NaN();
      order_errors.push_back(sampler.order > 0 ? order_error(sampler, options, steps) : 0);
      rows.push_back(row);
    }
    const double order = fitted_order(counts, order_errors);
    for (SamplerErrors& row : rows) row.order = order;
    return rows;
  }

 private:
  double order_error(const Sampler& sampler, const OptionValues& options, std::int64_t steps) const {
    const Schedule schedule = sampler.own_times ? settings_.schedule(steps) : levels_above_zero(settings_, steps);
    const LawErrors errors = law_errors(affine_law({sampler, options, schedule, false, true}, spectrum_.lambda),
                                        spectrum_, schedule.s(0), schedule.s(schedule.steps()), StartLaw::exact);
    if (sampler.own_times) return std::hypot(errors.mean, errors.variance);
    return std::isnan(errors.flow) ? std::hypot(errors.mean, errors.variance) : errors.flow;
  }

  Target& target_;
  ReportSettings settings_;
  Spectrum spectrum_;
};

}  // namespace

std::unique_ptr<SamplerReport> exact_report(Target& target, ReportSettings settings) {
  return std::make_unique<ExactReport>(target, std::move(settings));
}

std::vector<std::int64_t> possible_steps(const ReportSettings& settings, const Sampler& sampler) {
  std::vector<std::int64_t> possible;
  std::copy_if(settings.steps.begin(), settings.steps.end(), std::back_inserter(possible),
               [&](std::int64_t steps) { return steps >= sampler.minimum_steps; });
  return possible.empty() ? settings.steps : possible;
}

Schedule levels_above_zero(const ReportSettings& settings, std::int64_t steps) {
  Schedule schedule = settings.schedule(steps);
  if (schedule.levels.back().sigma > 0) return schedule;
  schedule = settings.schedule(steps + 1);
  schedule.levels.pop_back();
  return schedule;
}

}  // namespace noiseutils

#include "cli/sampler_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/entry_options.hpp"
#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/rows.hpp"
#include "report/sampler_report.hpp"
#include "sample/affine_law.hpp"
#include "sample/request.hpp"
#include "sample/request_schedule.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kSampledCount = 256, kTimedCount = 1;
constexpr double kMostWork = 3e10;  // multiplications of an exact law: a minute or two

ReportSettings settings_of(const OptionValues& options) {
  ReportSettings settings;
  settings.schedule = [&options](std::int64_t steps) {
    Schedule schedule = requested_schedule(options, steps);
    if (!std::isfinite(schedule.s(0)))
      throw UsageError("schedule " + schedule.name + " starts at infinite sigma, where no report can start");
    return schedule;
  };
  settings.steps = requested_steps(options);
  std::sort(settings.steps.begin(), settings.steps.end());
  settings.steps.erase(std::unique(settings.steps.begin(), settings.steps.end()), settings.steps.end());
  settings.seed = options.seed();
  settings.timing = !options.flag("no-timing");
  return settings;
}

/// The reports on affine samplers, and on the others, each made when it is needed.
class Reports {
 public:
  Reports(Target& target, const OptionValues& options) : target_(target), options_(options) {}

  SamplerReport& on(const Sampler& sampler, const OptionValues& own) {
    const bool linear = target_.model() != nullptr && target_.model()->linear() != nullptr;
    const bool exact = linear && sampler.affine && sampler.takes_steps() && has_exact_law(sampler, own);
    auto& report = exact ? exact_ : sampled_;
    if (!report) {
      ReportSettings settings = settings_of(options_);
      settings.count = options_.given("count") ? options_.integer("count") : exact ? kTimedCount : kSampledCount;
      report = exact ? exact_report(target_, settings) : sampled_report(target_, settings);
    }
    return *report;
  }

 private:
  /// Whether the exact law takes less than minutes: of chains of many draws it does not.
  bool has_exact_law(const Sampler& sampler, const OptionValues& own) const {
    const ReportSettings settings = settings_of(options_);
    const Schedule schedule = settings.schedule(settings.steps.back());
    if (!std::isfinite(schedule.s(0)) || schedule.steps() < sampler.minimum_steps) return true;
    const SamplerCost cost = sampler_cost({sampler, own, schedule});
    const auto draws = static_cast<double>(cost.draws);
    return draws * draws * static_cast<double>(target_.dim()) < kMostWork;
  }

  Target& target_;
  const OptionValues& options_;
  std::unique_ptr<SamplerReport> exact_, sampled_;
};

Row row_of(const SamplerErrors& errors, bool timing) {
  Row row = {
      {"sampler", errors.sampler},
      {"steps", errors.steps},
      {"nfe", errors.nfe},
      {"order", errors.order},
      {"w2", errors.w2},
      {"mean_error", errors.mean},
      {"variance_error", errors.variance},
      {"flow_error", errors.flow},
  };
  if (timing) row.emplace_back("seconds", errors.seconds);
  row.emplace_back("exact", errors.exact ? "yes" : "no");
  return row;
}

}  // namespace

std::vector<OptionSpec> report_options() {
  return {
      flag("list", "show the samplers, with their order of convergence and calls a step").not_in_history(),
      flag("report", "instead of samples: how wrong each --sampler is at each of --steps").not_in_history(),
      flag("no-timing", "leave the seconds out of a report, so that it is the same each time").not_in_history(),
      format_option(),
  };
}

int write_sampler_report(const Invocation& call) {
  const OptionValues& options = call.options;
  for (const char* option : {"init", "from-sigma", "trajectory", "nfe", "dtype", "first-index", "resume", "depth"})
    if (options.given(option)) throw UsageError(std::string("--") + option + " is no option of a report");
  const auto target = requested_target(options);
  const std::vector<std::string> chosen = requested_samplers(options);
  const bool all = options.text("sampler") == kAllSamplers;  // those that cannot sample this target are left out
  const auto entries = options_by_entry(samplers());
  require_options_of(entries, chosen, "sampler", options);
  Reports reports(*target, options);
  RowOutput output(options.text("format"), options.text("output"));
  for (const std::string& name : chosen) {
    const Sampler& sampler = *find_entry(samplers(), name);
    try {
      if (all && sampler.own_law) throw UsageError("it samples another law than that of the target");
      const OptionValues own = values_of_entry(entries, name, options);
      for (const SamplerErrors& errors : reports.on(sampler, own).rows(sampler, own)) {
        output.add(row_of(errors, !options.flag("no-timing")));
      }
    } catch (const UsageError& error) {
      if (!all) throw;
      std::fprintf(stderr, "sample: %s is left out: %s\n", name.c_str(), error.what());
    }
    output.flush();
  }
  return output.finish(), 0;
}

int write_sampler_list(const Invocation& call) {
  RowOutput output(call.options.text("format"), call.options.text("output"));
  for (const Sampler& sampler : samplers())
    output.add({{"name", sampler.name},
                {"order", sampler.order},
                {"calls", sampler.calls_per_step},
                {"stochastic", sampler.stochastic ? "yes" : "no"},
                {"summary", sampler.summary},
                {"source", sampler.source}});
  return output.finish(), 0;
}

}  // namespace noiseutils

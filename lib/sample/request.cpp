#include "sample/request.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/entry_options.hpp"
#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "model/external_denoiser.hpp"
#include "model/model_kinds.hpp"
#include "noise/schedule_options.hpp"
#include "sample/start.hpp"

namespace noiseutils {
namespace {

template <class Entries>
std::vector<std::string> names(const Entries& entries) {
  std::vector<std::string> all;
  for (const auto& entry : entries) all.push_back(entry.name);
  return all;
}

/// "a,b,c"
std::vector<std::string> comma_parts(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

/// "3,32,32"
Shape shape_option(const std::string& text) {
  Shape shape;
  for (const std::string& part : comma_parts(text)) {
    shape.push_back(parse_integer(part));
    if (shape.back() < 1) throw UsageError("--shape " + text + ": axes have at least one element");
  }
  return shape;
}

/// Axis letters of a sample of that rank: D, HW, CHW.
std::string sample_axes_of_rank(std::size_t rank) {
  if (rank == 1) return "D";
  if (rank == 2) return "HW";
  if (rank == 3) return "CHW";
  throw UsageError("--shape has 1 to 3 axes: D, H,W or C,H,W");
}

std::unique_ptr<Target> target_of(const OptionValues& options, const StartStates* start) {
  const bool program = options.has("denoiser");
  if (program == options.has("model"))
    throw UsageError(program ? "--model and --denoiser exclude each other"
                             : "--model FILE or --denoiser 'CMD' is needed");
  if (!program) {
    if (options.given("shape")) throw UsageError("--shape is for --denoiser; a model knows its own");
    return model_target(load_model(options.text("model")));
  }
  if (start == nullptr && !options.given("shape"))
    throw UsageError(
        "--denoiser needs --shape H,W (or D, or C,H,W), the shape of a sample, or states to start from by --init");
  const Shape shape = start != nullptr ? start->shape() : shape_option(options.text("shape"));
  const std::string axes = start != nullptr ? start->axes() : sample_axes_of_rank(shape.size());
  const std::string& command = options.text("denoiser");
  return denoiser_target(std::make_shared<ExternalDenoiser>(command, options.number("timeout")), command, axes, shape);
}

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

Schedule schedule_of(const OptionValues& options, std::int64_t steps) {
  const ScheduleFamily& family = *find_entry(schedule_families(), options.text("schedule"));
  const Spacing spacing = spacing_named(options.text("spacing"));
  if (options.given("spacing") && family.chain == nullptr && !spaced_by_level(spacing))
    throw UsageError("--spacing " + options.text("spacing") + " is of schedules with discrete times, and " +
                     family.name + " is none; karras and log are of all");
  Schedule schedule =
      make_schedule(family, steps, schedule_parameters(family, options, spacing), spacing, options.number("rho"));
  return options.given("from-sigma") ? part_from(std::move(schedule), options.number("from-sigma")) : schedule;
}

/// The most steps that call the denoiser at most `calls` times.
Schedule schedule_of_calls(const OptionValues& options, SamplingPlan plan, std::int64_t calls) {
  if (options.given("steps")) throw UsageError("--steps and --nfe exclude each other");
  if (!plan.sampler.affine || !plan.sampler.takes_steps())
    throw UsageError("--nfe: the calls of sampler " + plan.sampler.name + " are not known beforehand; give --steps");
  const auto cost = [&](std::int64_t steps) {
    plan.schedule = schedule_of(options, steps);
    return *denoiser_calls(plan);
  };
  std::int64_t steps = std::max<std::int64_t>(1, calls / std::max<std::int64_t>(1, plan.sampler.calls_per_step));
  while (cost(steps + 1) <= calls) ++steps;
  while (steps > plan.sampler.minimum_steps && cost(steps) > calls) --steps;
  if (cost(steps) > calls)
    throw UsageError("--nfe " + std::to_string(calls) + ": the least that sampler " + plan.sampler.name + " needs is " +
                     std::to_string(cost(steps)));
  return plan.schedule;
}

/// Throws UsageError where options are typed that only samplers along a schedule heed.
void refuse_schedule(const OptionValues& options, const Sampler& sampler) {
  std::vector<OptionSpec> heeded = schedule_options();
  for (const char* name : {"schedule", "spacing", "from-sigma"}) heeded.push_back(text(name, "", ""));
  for (const OptionSpec& option : heeded)
    if (options.given(option.name))
      throw UsageError("--" + option.name + ": sampler " + sampler.name + " has times of its own, no schedule");
}

void use_start(SampleRequest& request, std::shared_ptr<const StartStates> start, const OptionValues& options) {
  const Target& target = *request.target;
  if (start->shape() != target.shape())
    throw DataError(options.text("init") + ": data has shape " + shape_text(start->shape()) + ", the model's samples " +
                    shape_text(target.shape()));
  if (!options.given("count")) request.count = start->count();
  if (start->count() != 1 && start->count() != request.count)
    throw UsageError("--count " + std::to_string(request.count) + ", but --init has " + std::to_string(start->count()) +
                     " states");
  const std::int64_t first = options.integer("first-index");
  request.plan.start = [start, first](std::int64_t i, std::span<double> x) { start->copy(i - first, "data", x); };
  if (options.given("from-sigma")) request.plan.start_noise = options.number("from-sigma");
}

}  // namespace

std::vector<OptionSpec> sample_options() {
  std::vector<OptionSpec> own = {
      file("model", "FILE", "the model, as train-linear writes it"),
      text("denoiser", "CMD", "instead of a model: a program, started once: records in, one record out for each"),
      number("timeout", "SECONDS", "how long --denoiser may take for one answer").otherwise("600").above(0),
      text("shape", "H,W", "shape of a sample of --denoiser: D, or H,W, or C,H,W"),
      text("sampler", "NAME", "how to draw; --list tells more; in reports A,B,C or all\none of " + names_of(samplers()))
          .otherwise("heun"),
      choice("schedule", names(schedule_families()), "the noise levels that a sampler steps through")
          .otherwise("karras"),
      text("steps", "N", "steps of the schedule, 1 to 1e6; in reports A,B,C").otherwise("18"),
      integer("nfe", "N", "instead of --steps: as many as call the denoiser at most N times").at_least(1).at_most(1e6),
      choice("spacing", spacing_names(),
             "which times of a discrete schedule the steps visit; karras, log: which levels of any schedule")
          .otherwise("linspace"),
      file("init", "FILE", "start from these states, one a sample, or one for all"),
      number("from-sigma", "S", "start part-way: from --init plus noise of this standard deviation, in units of data")
          .above(0),
      flag("trajectory", "write every state x(s_0) ... x(s_N) along a leading axis T, in units of data"),
      integer("count", "N", "number of samples; default 1, with --init as many as it has")
          .short_name('n')
          .at_least(1)
          .at_most(1e12)
          .not_in_history(),
      choice("dtype", {"F32", "F64"}, "type of the samples, and of the arithmetic").otherwise("F32"),
  };
  for (const auto& more : {joined_entry_options(options_by_entry(samplers())), schedule_options()})
    own.insert(own.end(), more.begin(), more.end());
  return own;
}

std::vector<std::string> requested_samplers(const OptionValues& options) {
  std::vector<std::string> chosen = comma_parts(options.text("sampler"));
  if (chosen == std::vector<std::string>{kAllSamplers}) {
    chosen.clear();
    for (const Sampler& sampler : samplers())
      if (sampler.takes_steps()) chosen.push_back(sampler.name);
  }
  with_context("--sampler", [&] {
    for (const std::string& name : chosen) require_entry<UsageError>(samplers(), name, "sampler");
  });
  return chosen;
}

std::vector<std::int64_t> requested_steps(const OptionValues& options) {
  OptionSpec single = integer("steps", "N", "");
  single.at_least(1).at_most(1e6);
  std::vector<std::int64_t> steps;
  for (const std::string& part : comma_parts(options.text("steps"))) {
    check_option_value(single, part);
    steps.push_back(parse_integer(part));
  }
  return steps;
}

std::unique_ptr<Target> requested_target(const OptionValues& options) { return target_of(options, nullptr); }

Schedule requested_schedule(const OptionValues& options, std::int64_t steps) { return schedule_of(options, steps); }

SampleRequest sample_request(const OptionValues& options) {
  const std::vector<std::string> chosen = requested_samplers(options);
  const std::vector<std::int64_t> steps = requested_steps(options);
  if (chosen.size() > 1 || steps.size() > 1) throw UsageError("lists of --sampler and --steps are for --report");
  std::shared_ptr<const StartStates> start;
  if (options.has("init")) start = std::make_shared<StartStates>(options.text("init"));
  SampleRequest request;
  request.target = target_of(options, start.get());
  SamplingPlan& plan = request.plan;
  plan.sampler = *find_entry(samplers(), chosen.front());
  plan.options = entry_values(options_by_entry(samplers()), plan.sampler.name, "sampler", options);
  plan.seed = options.seed();
  if (plan.sampler.own_times) refuse_schedule(options, plan.sampler);
  if (options.given("from-sigma") && !start) throw UsageError("--from-sigma needs --init, what to start from");
  plan.schedule = options.given("nfe") ? schedule_of_calls(options, plan, options.integer("nfe"))
                                       : schedule_of(options, steps.front());
  request.trajectory = options.flag("trajectory");
  request.dtype = *dtype_from_name(options.text("dtype"));
  if (options.given("count")) request.count = options.integer("count");
  if (start) use_start(request, start, options);
  return request;
}

Metadata sample_metadata(const SampleRequest& request, const SampleFacts& facts) {
  const SamplingPlan& plan = request.plan;
  nlohmann::json told{{"name", plan.sampler.name}, {"seed", plan.seed}};
  if (const auto calls = denoiser_calls(plan)) told["nfe"] = *calls;
  const auto add = [&](std::string key, const nlohmann::json& value) {
    std::replace(key.begin(), key.end(), '-', '_');  // as keys of results everywhere: sigma_max
    told[key] = value;
  };
  for (const OptionSpec& option : plan.sampler.options) {
    if (!plan.options.has(option.name) && option.type != OptionType::flag) continue;
    if (option.type == OptionType::flag)
      add(option.name, plan.options.flag(option.name));
    else if (option.type == OptionType::number)
      add(option.name, plan.options.number(option.name));
    else if (option.type == OptionType::integer)
      add(option.name, plan.options.integer(option.name));
    else
      add(option.name, plan.options.text(option.name));
  }
  for (const auto& [name, value] : facts) add(name, value);
  if (plan.sampler.takes_steps()) told["steps"] = plan.schedule.steps();
  if (plan.sampler.takes_steps() && !plan.sampler.own_times) {
    told["schedule"] = plan.schedule.name;
    if (!plan.schedule.spacing.empty()) told["spacing"] = plan.schedule.spacing;
    for (const auto& [name, value] : plan.schedule.parameters) add(name, value);
  }
  const std::string& axes = request.target->axes();
  return {{"axes", request.trajectory ? "T" + axes : axes},
          {"model", request.target->description()},
          {"sampler", told.dump()}};
}

}  // namespace noiseutils

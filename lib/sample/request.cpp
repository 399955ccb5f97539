#include "sample/request.hpp"

#include "base/entry_options.hpp"
#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "model/external_denoiser.hpp"
#include "model/model_kinds.hpp"
#include "noise/schedule_options.hpp"
#include "sample/coding.hpp"
#include "sample/editing.hpp"
#include "sample/guidance.hpp"
#include "sample/request_schedule.hpp"
#include "sample/start.hpp"

namespace noiseutils {
namespace {

template <class Entries>
std::vector<std::string> names(const Entries& entries) {
  std::vector<std::string> all;
  for (const auto& entry : entries) all.push_back(entry.name);
  return all;
}

/// "3,32,32"
Shape shape_option(const std::string& text) {
  Shape shape;
  for (const std::string& part : split_list(text)) {
    shape.push_back(with_context("--shape", [&] { return parse_integer(part); }));
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
  if (options.given("guidance") && !options.has("class"))
    throw UsageError("--guidance needs --class, what to guide to");
  const double weight = options.number("guidance");
  if (!program) {
    if (options.given("shape")) throw UsageError("--shape is for --denoiser; a model knows its own");
    std::shared_ptr<const Model> model = load_model(options.text("model"));
    return options.has("class") ? guided_target(std::move(model), options.text("class"), weight)
                                : model_target(std::move(model));
  }
  if (start == nullptr && !options.given("shape"))
    throw UsageError(
        "--denoiser needs --shape H,W (or D, or C,H,W), the shape of a sample, or states to start from by --init");
  const Shape shape = start != nullptr ? start->shape() : shape_option(options.text("shape"));
  const std::string axes = start != nullptr ? start->axes() : sample_axes_of_rank(shape.size());
  const std::string& command = options.text("denoiser");
  auto denoiser = std::make_shared<ExternalDenoiser>(command, options.number("timeout"));
  if (options.has("class"))
    return guided_target(std::move(denoiser), command, axes, shape, options.text("class"), weight);
  return denoiser_target(std::move(denoiser), command, axes, shape);
}

}  // namespace

std::vector<OptionSpec> sample_options() {
  std::vector<OptionSpec> own = {
      file("model", "FILE", "the model, as train-linear writes it"),
      text("denoiser", "CMD", "instead of a model: a program, started once: records in, one record out for each"),
      number("timeout", "SECONDS", "how long --denoiser may take for one answer").otherwise("600").above(0),
      text("shape", "H,W", "shape of a sample of --denoiser: D, or H,W, or C,H,W"),
      text("class", "K", "samples of this class: component K of a mixture, or what --denoiser makes of it"),
      number("guidance", "W",
             "with --class: D of weight W towards it, beside 1 - W of D of no class; 1: of the class alone")
          .otherwise("1")
          .at_least(-1000)
          .at_most(1000),
      text("sampler", "NAME",
           "how to draw; --list tells more; in reports A,B,C or all; by default ddim for --invert and "
           "--interpolate\none of " +
               names_of(samplers()))
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
      flag("timing", "tell in the metadata how many seconds each sample took; the bytes then differ from run to run"),
      integer("count", "N", "number of samples; default 1, with --init as many as it has")
          .short_name('n')
          .at_least(1)
          .at_most(1e12)
          .not_in_history(),
      choice("dtype", {"F32", "F64"}, "type of the samples, and of the arithmetic").otherwise("F32"),
  };
  for (const auto& more : {editing_options(), joined_entry_options(options_by_entry(samplers())), schedule_options()})
    own.insert(own.end(), more.begin(), more.end());
  return own;
}

std::vector<std::string> requested_samplers(const OptionValues& options) {
  std::vector<std::string> chosen = split_list(options.text("sampler"));
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
  for (const std::string& part : split_list(options.text("steps"))) {
    check_option_value(single, part);
    steps.push_back(parse_integer(part));
  }
  return steps;
}

std::unique_ptr<Target> requested_target(const OptionValues& options) { return target_of(options, nullptr); }

SampleRequest sample_request(const OptionValues& typed, const std::vector<std::string>& files) {
  SampleRequest request;
  request.task = sample_task(typed, files);
  std::shared_ptr<const StartStates> start;
  if (typed.has("init")) start = std::make_shared<StartStates>(typed.text("init"));
  if (request.task == SampleTask::interpolate) start = std::make_shared<StartStates>(files.front());
  const OptionValues options = is_coding(request.task) ? coding_options(typed, request.task, *start) : typed;
  const std::vector<std::int64_t> steps = requested_steps(options);
  if (requested_samplers(options).size() > 1 || steps.size() > 1)
    throw UsageError("lists of --sampler and --steps are for --report");
  request.target = target_of(options, request.task == SampleTask::decode ? nullptr : start.get());
  SamplingPlan& plan = request.plan;
  plan.sampler = *find_entry(samplers(), sampler_in_task(options, request.task, start.get()));
  plan.options = entry_values(options_by_entry(samplers()), plan.sampler.name, "sampler", options);
  plan.seed = options.seed();
  if (plan.sampler.own_times) refuse_schedule(options, plan.sampler);
  if (options.given("from-sigma") && !start) throw UsageError("--from-sigma needs --init, what to start from");
  plan.schedule = options.given("nfe") ? schedule_of_calls(options, plan, options.integer("nfe"))
                                       : requested_schedule(options, steps.front());
  request.label = options.text("class");
  request.guidance = options.number("guidance");
  request.trajectory = options.flag("trajectory");
  request.timing = options.flag("timing");
  if (request.trajectory && request.target->axes().find('T') != std::string::npos)
    throw UsageError("--trajectory adds an axis T, and the samples have one: axes " + request.target->axes());
  request.dtype = *dtype_from_name(options.text("dtype"));
  if (options.given("count")) request.count = options.integer("count");
  plan.keep_companions = options.flag("invertible");
  if (request.task == SampleTask::interpolate)
    use_ends(request, files, options);
  else if (start)
    use_start_in_task(request, start, options);
  request.calls = denoiser_calls(plan);
  return request;
}

}  // namespace noiseutils

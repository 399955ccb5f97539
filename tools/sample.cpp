// sample: new samples of a model's law, by a sampler's steps along a schedule or drawn exactly.
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "model/model_kinds.hpp"
#include "noise/schedule_options.hpp"
#include "sample/metadata.hpp"
#include "sample/sample_source.hpp"
#include "sample/sampler.hpp"
#include "sample/sampling_map.hpp"

namespace {

using namespace noiseutils;

template <class Entries>
std::vector<std::string> names(const Entries& entries) {
  std::vector<std::string> all;
  for (const auto& entry : entries) all.push_back(entry.name);
  return all;
}

Program program() {
  Program self;
  self.name = "sample";
  self.summary = "draw new samples from a model";
  self.operands = "";
  self.options = {
      file("model", "FILE", "the model, as train-linear writes it"),
      choice("sampler", names(samplers()), "how to draw; --list tells more").otherwise("ddim"),
      choice("schedule", names(schedule_families()), "the noise levels that a sampler steps through")
          .otherwise("karras"),
      integer("steps", "N", "steps of the schedule").otherwise("18").at_least(1).at_most(1e6),
      choice("spacing", spacing_names(), "which times of a discrete schedule the steps visit").otherwise("linspace"),
      integer("count", "N", "number of samples")
          .short_name('n')
          .otherwise("1")
          .at_least(1)
          .at_most(1e12)
          .not_in_history(),
      choice("dtype", {"F32", "F64"}, "type of the samples, and of the arithmetic").otherwise("F32"),
      flag("list", "show the samplers, with their order of convergence and calls a step").not_in_history(),
      seed_option(),
      first_index_option(),
      resume_option(),
  };
  self.options = joined(self.options, schedule_options(), output_options());
  return self;
}

int list_samplers(const std::string& path) {
  RowOutput output("auto", path);
  for (const Sampler& sampler : samplers())
    output.add({{"name", sampler.name},
                {"order", sampler.order},
                {"calls", sampler.calls_per_step},
                {"stochastic", sampler.stochastic ? "yes" : "no"},
                {"summary", sampler.summary},
                {"source", sampler.source}});
  return output.finish(), 0;
}

int run(const Invocation& call) {
  const OptionValues& options = call.options;
  if (options.flag("list")) return list_samplers(options.text("output"));
  if (!call.files.empty()) throw UsageError("sample makes samples; it reads no FILE but --model");
  if (!options.given("model")) throw UsageError("--model is needed");
  const Sampler& sampler = *find_entry(samplers(), options.text("sampler"));
  const ScheduleFamily& family = *find_entry(schedule_families(), options.text("schedule"));
  if (options.given("spacing") && family.chain == nullptr)
    throw UsageError("--spacing is of schedules with discrete times, and " + family.name + " is none");
  const Schedule schedule = make_schedule(family, options.integer("steps"), schedule_parameters(family, options),
                                          spacing_named(options.text("spacing")));
  const auto model = load_model(options.text("model"));
  const auto map = sampling_map(*model, sampler, schedule);
  const std::int64_t count = options.integer("count");
  const DType dtype = *dtype_from_name(options.text("dtype"));
  SampleSource source(*map, model->info().shape, dtype, options.seed(), options.integer("first-index") + count);
  const Metadata metadata = sample_metadata(model->info(), sampler, schedule, options.seed());
  return run_source(call, count, [&](std::int64_t i) {
    Record record;
    record.tensors["data"] = source.sample(i);
    record.metadata = metadata;
    return record;
  });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}

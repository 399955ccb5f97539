// sample: new samples of a model's law, by a sampler's steps along a schedule or drawn exactly.
#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/sampler_report.hpp"
#include "cli/standard_options.hpp"
#include "sample/request.hpp"
#include "sample/sample_source.hpp"

namespace {

using namespace noiseutils;

Program program() {
  Program self;
  self.name = "sample";
  self.summary = "draw new samples from a model";
  self.operands = "";
  self.options = joined(sample_options(),
                        std::vector{
                            seed_option(),
                            first_index_option(),
                            resume_option(),
                        },
                        report_options(), output_options());
  return self;
}

int run(const Invocation& call) {
  const OptionValues& options = call.options;
  if (options.flag("list")) return write_sampler_list(call);
  if (!call.files.empty()) throw UsageError("sample makes samples; it reads no FILE but --model");
  if (options.flag("report")) return write_sampler_report(call);
  for (const char* option : {"no-timing", "format"})
    if (options.given(option)) throw UsageError(std::string("--") + option + " is for --report");
  const SampleRequest request = sample_request(options);
  const auto maker = sample_maker(*request.target, request.plan);
  SampleSource source(*maker, request.target->shape(), request.dtype, options.integer("first-index") + request.count,
                      request.trajectory ? request.plan.schedule.steps() + 1 : 0);
  return run_source(call, request.count, [&](std::int64_t i) {
    const SampleSource::Sample sample = source.sample(i);
    Record record;
    record.tensors["data"] = sample.data;
    record.metadata = sample_metadata(request, sample.facts);
    return record;
  });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}

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
  self.operands = "[FILE FILE]";
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
  if (options.flag("report")) return write_sampler_report(call);
  for (const char* option : {"no-timing", "format"})
    if (options.given(option)) throw UsageError(std::string("--") + option + " is for --report");
  const SampleRequest request = sample_request(options, call.files);
  const auto maker = sample_maker(*request.target, request.plan);
  SampleSource source(*maker, request.target->shape(), request.dtype, options.integer("first-index") + request.count,
                      request.trajectory ? request.plan.schedule.steps() + 1 : 0,
                      request.plan.makes_companions() ? companion_vectors(request.plan) : -1);
  return run_source(
      call, request.count, [&](std::int64_t i) { return sample_record(request, i, source.sample(i)); },
      [&](std::int64_t i) { return source.at_hand(i); });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}

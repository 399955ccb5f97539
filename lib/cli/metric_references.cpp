#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/metric_verbs.hpp"

namespace noiseutils {

std::vector<OptionSpec> reference_options() {
  return {
      file("reference", "FILE",
           "clean samples to compare with; given twice or more: independent noisy references; with --frames: a stack")
          .many(),
      number("range", "R", "largest value the data can have; default: metadata range or source (1 for images)")
          .above(0),
      flag("frames", "neighbouring frames of the stack that --reference names are the references of each frame"),
      flag("subsample", "measure a quarter of each image, a random element of every 2 x 2, by the other three"),
  };
}

MetricInput open_references(const Invocation& call, const std::vector<const MetricEntry*>& asked,
                            const RankInput& data) {
  MetricInput::Request request;
  request.range = call.options.maybe_number("range");
  request.names = call.options.list("reference");
  for (const std::string& name : request.names) request.files.emplace_back(open_beside(call, name, data));
  request.frames = call.options.flag("frames");
  request.subsample = call.options.declared("subsample") && call.options.flag("subsample");
  if (call.options.declared("seed")) request.seed = call.options.seed();
  return {asked, std::move(request)};
}

}  // namespace noiseutils

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "metric/subsample.hpp"

namespace noiseutils {
namespace {

int run_subsample(const Invocation& call) {
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t first_sample) {
    subsample(record, call.options.seed(), first_sample);
  });
}

}  // namespace

std::vector<Verb> subsample_verbs() {
  return {{{"subsample",
            "of every 2 x 2 elements one, at random, as data; the others as references for metric",
            {seed_option(), first_index_option(), resume_option()}},
           run_subsample}};
}

}  // namespace noiseutils

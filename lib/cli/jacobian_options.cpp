#include "cli/jacobian_options.hpp"

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "base/number.hpp"
#include "cli/standard_options.hpp"
#include "model/denoiser.hpp"
#include "model/model_kinds.hpp"

namespace noiseutils {

std::vector<OptionSpec> jacobian_options() {
  return joined(denoiser_options(),
                std::vector{number("epsilon", "E", "step of differences, in standard deviations of the noise")
                                .otherwise("0.01")
                                .above(0)
                                .at_most(10)});
}

std::vector<OptionSpec> search_options() {
  OptionSpec seed = seed_option();
  seed.help = "seed of the vectors that the search starts from, 0 to 2^64-1, or random";
  return {
      integer("top", "K", "how many directions of each sample")
          .short_name('k')
          .otherwise("1")
          .at_least(1)
          .at_most(1024),
      integer("iterations", "N", "steps of block power iteration at most; at least 10 are taken, if N allows")
          .otherwise("50")
          .at_least(1)
          .at_most(1e6),
      number("tolerance", "T", "the iteration ends once the projector to the directions changes by less")
          .otherwise("1e-3")
          .above(0)
          .at_most(1),
      seed,
  };
}

JacobianOfDenoiser asked_jacobian(const Invocation& call) {
  const OptionValues& options = call.options;
  const bool model = options.given("model"), program = options.given("denoiser");
  if (model == program)
    throw UsageError(model ? "--model and --denoiser exclude each other"
                           : "--model FILE or --denoiser 'CMD' is needed: whose Jacobian?");
  if (model && options.given("timeout")) throw UsageError("--timeout belongs to --denoiser");
  const double step = options.number("epsilon");
  if (model) return JacobianOfDenoiser(load_model(options.text("model")), step);
  return JacobianOfDenoiser(program_denoiser(options.text("denoiser"), options.number("timeout")), step);
}

DirectionSearch asked_search(const Invocation& call) {
  DirectionSearch search;
  search.power.count = call.options.integer("top");
  search.power.most = call.options.integer("iterations");
  search.power.tolerance = call.options.number("tolerance");
  search.seed = call.options.seed();
  return search;
}

void UnsettledSearches::add(std::int64_t sample, double change) {
  if (count_++ == 0) first_ = sample;
  change_ = std::max(change_, change);
}

void UnsettledSearches::finish() const {
  if (count_ == 0) return;
  std::fprintf(stderr,
               "%s: warning: the search for directions ended by --iterations %s, before it settled, at %lld sample%s, "
               "first sample %lld: change up to %.2g, --tolerance %.2g\n",
               call_.program.c_str(), std::to_string(call_.options.integer("iterations")).c_str(),
               static_cast<long long>(count_), count_ == 1 ? "" : "s", static_cast<long long>(first_), change_,
               call_.options.number("tolerance"));
}

void refuse_format(const Invocation& call) {
  if (call.options.given("format")) throw UsageError("--format is of --rows");
}

GivenLevel asked_level(const Invocation& call) {
  return {call.options.maybe_number("alpha"), call.options.maybe_number("sigma")};
}

}  // namespace noiseutils

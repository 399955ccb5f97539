#include "base/error.hpp"
#include "denoise/posterior.hpp"

namespace noiseutils {

std::vector<OptionSpec> posterior_options() {
  return {
      integer("draws", "K", "K exact draws of the clean sample given the noisy one: companions draw.1 ... draw.K")
          .at_least(1)
          .at_most(65536),
      flag("variance", "the posterior variance of every element, in units of data squared: companion variance"),
      integer("principal", "K", "the first K principal axes of the clean sample given the noisy one: principal.*")
          .at_least(1)
          .at_most(1024),
      integer("probes", "M", "random signs by which --variance of --denoiser and --self is measured")
          .otherwise("32")
          .at_least(2)
          .at_most(1e6),
      integer("iterations", "N", "steps at most of the search for --principal")
          .otherwise("50")
          .at_least(1)
          .at_most(1e6),
      number("epsilon", "E", "step of differences of --denoiser and --self, in standard deviations of the noise")
          .otherwise("0.01")
          .above(0)
          .at_most(10),
  };
}

PosteriorRequest posterior_request(const OptionValues& options) {
  PosteriorRequest request;
  if (options.has("draws")) request.draws = options.integer("draws");
  request.variance = options.flag("variance");
  if (options.has("principal")) request.principal = options.integer("principal");
  request.probes = options.integer("probes");
  request.iterations = options.integer("iterations");
  request.epsilon = options.number("epsilon");
  request.seed = options.seed();
  if (options.given("probes") && !request.variance) throw UsageError("--probes belongs to --variance");
  if (options.given("iterations") && request.principal == 0) throw UsageError("--iterations belongs to --principal");
  if (options.given("epsilon") && !request.variance && request.principal == 0)
    throw UsageError("--epsilon belongs to --variance and --principal");
  if (request.any() && options.declared("pool") && options.flag("pool"))
    throw UsageError("--pool learns from all samples: --draws, --variance and --principal are of each alone");
  if (options.given("seed") && !request.any())
    throw UsageError("--seed belongs to --draws, --variance and --principal");
  return request;
}

}  // namespace noiseutils

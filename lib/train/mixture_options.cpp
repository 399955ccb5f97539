#include "train/mixture_options.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 27;  // of all covariances: 1 GiB

void check_size(std::int64_t components, std::int64_t d) {
  if (components * d * d > kMostNumbers)
    throw DataError(std::to_string(components) + " covariances of " + std::to_string(d) +
                    " dimensions are too many numbers; learn fewer (--components), or patches (--patch)");
}

}  // namespace

std::vector<OptionSpec> mixture_options() {
  OptionSpec seed = text("seed", "S", "seed of the vectors' choice and of the starts, 0 to 2^64-1, or random");
  seed.type = OptionType::seed;
  return {
      integer("components", "K", "Gaussians; default: 64 for patches, 10 for whole samples").at_least(1).at_most(65536),
      text("rank", "R|auto",
           "eigenpairs of each, beside one residual variance, or as many as the data show; default: a quarter of a "
           "patch's elements, auto for whole samples"),
      integer("size-sample", "N", "learn from N random vectors, where there are more")
          .otherwise("200000")
          .at_least(2)
          .at_most(1 << 30),
      integer("iterations", "I", "steps of expectation-maximisation at most; default: 15 for patches, else 200")
          .at_least(1)
          .at_most(1000000),
      integer("restarts", "A", "starts, of which the likeliest end counts; default: 1 for patches, else 10")
          .at_least(1)
          .at_most(1000000),
      choice("noise", {"known", "fit"}, "the noise variance: as the metadata or --sigma say, or fitted")
          .otherwise("known"),
      number("prior", "NU",
             "vectors that the prior of a covariance, .001 of the mean variance, weighs as much as; default: the "
             "dimension for patches, else 0")
          .at_least(0)
          .at_most(1e12),
      file("start", "MODEL",
           "go on from this mixture, over all vectors instead of a sample: --iterations passes, or one and --state"),
      integer("passes", "P", "after the sample, at most P more steps over all vectors, which are read for each")
          .at_least(1)
          .at_most(1000000),
      integer("online", "B", "with --start: one reading, the mixture moved after every B vectors")
          .at_least(1)
          .at_most(1 << 24),
      flag("zero-means", "all means are 0; of patches they are"),
      flag("upright", "do not turn and mirror patches by chance"),
      seed.otherwise("0"),
  };
}

MixtureRequest mixture_request(const VectorLayout& layout, const OptionValues& given) {
  const bool patches = layout.patch > 0;
  const auto whole = [&](const char* name, std::int64_t of_patches, std::int64_t otherwise) {
    return given.has(name) ? given.integer(name) : patches ? of_patches : otherwise;
  };
  MixtureRequest request;
  request.components = whole("components", 64, 10);
  request.iterations = whole("iterations", 15, 200);
  request.restarts = whole("restarts", 1, 10);
  request.fit_noise = given.text("noise") == "fit";
  request.prior_count = given.has("prior") ? given.number("prior") : patches ? static_cast<double>(layout.dim()) : 0;
  request.seed = given.seed();
  request.zero_means = patches || given.flag("zero-means");
  request.levels = !patches ? 0 : layout.axes == "CHW" ? layout.shape[0] : 1;
  const std::string rank = given.text("rank");
  if (rank.empty()) {
    request.rank = patches ? std::max<std::int64_t>(1, layout.dim() / 4) : 0;
  } else if (rank != "auto") {
    request.rank = with_context("--rank", [&] { return parse_integer(rank); });
    if (request.rank < 1) throw UsageError("--rank " + rank + ": expected auto or a number from 1 on");
  }
  if (request.levels >= layout.dim()) throw DataError("patches of one pixel have no more than a level");
  check_size(request.components, layout.dim());
  if (request.fit_noise && request.rank == 0)
    throw UsageError("--noise fit wants a --rank: what is beyond it is the noise");
  return request;
}

MixtureRequest mixture_request(const VectorLayout& layout, const OptionValues& given, const MixtureLaw& start) {
  const bool patches = layout.patch > 0;
  MixtureRequest request;
  request.components = start.components();
  check_size(request.components, layout.dim());
  request.rank = *std::max_element(start.ranks.begin(), start.ranks.end()) - start.level_rows;
  request.iterations = given.has("passes")       ? given.integer("passes")
                       : given.has("iterations") ? given.integer("iterations")
                       : patches                 ? 15
                                                 : 200;
  request.fit_noise = given.text("noise") == "fit";
  request.prior_count = given.has("prior") ? given.number("prior") : patches ? static_cast<double>(layout.dim()) : 0;
  request.seed = given.seed();
  request.levels = start.level_rows;
  request.zero_means = given.flag("zero-means");
  return request;
}

std::string mixture_reads_again(const OptionValues& given, bool state) {
  const bool start = given.has("start"), online = given.has("online");
  if (!start) {
    if (online) throw UsageError("--online goes on from a mixture: give --start MODEL");
    if (state && given.has("passes"))
      throw UsageError("--state is of one reading: merge the states, then --start from that model, no --passes");
    return given.has("passes") ? "no --passes" : "";
  }
  for (const char* name : {"components", "rank", "size-sample", "restarts", "passes"})
    if (given.given(name)) throw UsageError(std::string("--start says what is learned on from: no --") + name);
  if (online && (state || given.has("iterations")))
    throw UsageError(std::string("--online is one reading that makes a model: no --") +
                     (state ? "state" : "iterations"));
  if (state && given.has("iterations")) throw UsageError("--state is of one reading: no --iterations");
  if (state || online || (given.has("iterations") && given.integer("iterations") == 1)) return "";
  return "--iterations 1 or --online B";
}

}  // namespace noiseutils

#include "base/error.hpp"
#include "cli/jacobian_options.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/row_filter.hpp"
#include "cli/standard_options.hpp"
#include "score/divergence.hpp"
#include "score/jacobian_samples.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kProbes = 32;  // of a denoiser that needs them, where nobody said how many

/// Exact, if `probes` is 0 and there is a way; else by as many, or by kProbes, which it then is.
Divergence divergence_at(const JacobianOfDenoiser& denoiser, const JacobianAt& jacobian, std::uint64_t seed,
                         std::int64_t sample, std::int64_t& probes) {
  if (probes == 0 && jacobian.is_exact()) return exact_divergence(jacobian);
  if (probes == 0)
    if (const auto trace = denoiser.trace_over_patches(jacobian.level()))
      return jacobian.is_finite() ? divergence_of_trace(*trace, jacobian.dim(), jacobian.level())
                                  : unknown_divergence();
  if (probes == 0) probes = kProbes;
  return probed_divergence(jacobian, probes, seed, sample);
}

int run_divergence(const Invocation& call) {
  JacobianOfDenoiser denoiser = asked_jacobian(call);
  const GivenLevel level = asked_level(call);
  const std::uint64_t seed = call.options.seed();
  const std::int64_t asked = call.options.given("probes") ? call.options.integer("probes") : 0;
  return run_rows(call, [&](const Record& record, std::int64_t first) {
    std::vector<Row> rows(static_cast<std::size_t>(sample_count(record)));
    for_jacobians(denoiser, record, level, [&](std::int64_t i, const JacobianAt& jacobian) {
      std::int64_t probes = asked;
      const Divergence found = divergence_at(denoiser, jacobian, seed, first + i, probes);
      rows[static_cast<std::size_t>(i)] = {{"divergence", found.denoiser},
                                           {"divergence_per_dim", found.denoiser / static_cast<double>(jacobian.dim())},
                                           {"divergence_error", found.error},
                                           {"score_divergence", found.score},
                                           {"probes", probes}};
    });
    return rows;
  });
}

}  // namespace

Verb divergence_verb() {
  OptionSpec seed = seed_option();
  seed.help = "seed of the probes, 0 to 2^64-1, or random";
  const std::vector<OptionSpec> own = {
      integer("probes", "K", "random probes of the divergence; default: exact for a model, 32 for --denoiser")
          .at_least(2)
          .at_most(1e6),
      seed,
      format_option(),
  };
  return {{"divergence", "tr J and the divergence of the score, one row a sample", joined(jacobian_options(), own)},
          run_divergence,
          {"resume", "depth", "no-history", "progress"}};
}

}  // namespace noiseutils

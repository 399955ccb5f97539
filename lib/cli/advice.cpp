#include "cli/advice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/number.hpp"
#include "cli/rows.hpp"
#include "cli/sample_rows.hpp"
#include "report/advice.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kFolds = 5;

Row row_of(const std::string& advice, const std::string& name, double sigma, std::int64_t steps, std::int64_t calls,
           double error, double relative, bool chosen) {
  return {{"advice", advice}, {"name", name},   {"sigma", sigma},       {"steps", steps},
          {"nfe", calls},     {"error", error}, {"relative", relative}, {"chosen", chosen ? "yes" : "no"}};
}

/// Rows of the shrinkers, and the one that is best at the most levels (of equals the first).
std::string advise_shrinkage(const std::vector<ShrinkageError>& errors, const std::vector<double>& sigmas,
                             RowOutput& output) {
  std::vector<int> wins(errors.size());
  for (std::size_t k = 0; k < sigmas.size(); ++k) {
    const auto best = std::min_element(errors.begin(), errors.end(),
                                       [k](const auto& a, const auto& b) { return a.mse[k] < b.mse[k]; });
    ++wins[static_cast<std::size_t>(best - errors.begin())];
    for (auto it = errors.begin(); it != errors.end(); ++it)
      output.add(row_of("shrink", it->shrinker, sigmas[k], 0, 0, it->mse[k], it->mse[k] / best->mse[k], it == best));
  }
  return errors[static_cast<std::size_t>(std::max_element(wins.begin(), wins.end()) - wins.begin())].shrinker;
}

/// Chosen is the cheapest whose error is within the tolerance of what the start alone leaves, of equal cost the best;
/// where none is, the best.
void advise_sampler(const Spectrum& spectrum, double tolerance, RowOutput& output) {
  const double rms =
      std::sqrt(std::inner_product(spectrum.lambda.begin(), spectrum.lambda.end(), spectrum.multiplicity.begin(), 0.0));
  const std::vector<SamplerAdvice> advice = sampler_advice(spectrum);
  const double start = start_error(spectrum), enough = start + tolerance * rms;
  const auto better = [=](const SamplerAdvice& a, const SamplerAdvice& b) {
    const bool a_will_do = a.w2 <= enough, b_will_do = b.w2 <= enough;
    if (a_will_do != b_will_do) return a_will_do;
    return a_will_do && a.calls != b.calls ? a.calls < b.calls : a.w2 < b.w2;
  };
  const auto best = std::min_element(advice.begin(), advice.end(), better);
  output.add(row_of("sampler", "exact-flow", 0, 0, 0, start, start / rms, false));
  for (auto it = advice.begin(); it != advice.end(); ++it)
    output.add(row_of("sampler", it->sampler, 0, it->steps, it->calls, it->w2, it->w2 / rms, it == best));
}

}  // namespace

int write_advice(const Invocation& call, std::uint64_t seed) {
  const OptionValues& options = call.options;
  std::vector<double> sigmas;
  if (options.has("levels")) sigmas = parse_levels("levels", options.text("levels"));
  RowOutput output(options.text("format"), options.text("output"));
  const SampleRows rows = sample_rows(call, 2 * kFolds);
  if (sigmas.empty()) sigmas = default_levels(spectrum_of_rows(rows));
  const std::string shrinker = advise_shrinkage(shrinkage_errors(rows, sigmas, kFolds, seed), sigmas, output);
  output.flush();
  advise_sampler(learned_spectrum(rows, shrinker), options.number("tolerance"), output);
  return output.finish(), 0;
}

}  // namespace noiseutils

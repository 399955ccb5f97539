#include "cli/direction_filter.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/standard_options.hpp"
#include "score/jacobian_samples.hpp"
#include "score/spectrum.hpp"

namespace noiseutils {
namespace {

std::vector<JacobianSpectrum> spectra_of(JacobianOfDenoiser& denoiser, const Record& record, const Invocation& call,
                                         std::int64_t first, UnsettledSearches& unsettled) {
  const DirectionSearch search = asked_search(call);
  std::vector<JacobianSpectrum> spectra(static_cast<std::size_t>(sample_count(record)));
  for_jacobians(denoiser, record, asked_level(call), [&](std::int64_t i, const JacobianAt& jacobian) {
    spectra[static_cast<std::size_t>(i)] = jacobian_spectrum(jacobian, search, first + i);
  });
  for (std::size_t i = 0; i < spectra.size(); ++i)
    if (const SingularDirections& found = spectra[i].directions; !found.has_settled(search.power))
      unsettled.add(first + static_cast<std::int64_t>(i), found.change);
  return spectra;
}

std::vector<Row> rows_of(const std::vector<JacobianSpectrum>& spectra) {
  std::vector<Row> rows;
  for (const JacobianSpectrum& spectrum : spectra)
    for (std::size_t k = 0; k < spectrum.residuals.size(); ++k)
      rows.push_back({{"k", static_cast<std::int64_t>(k + 1)},
                      {"gain", spectrum.directions.values[k]},
                      {"residual", spectrum.residuals[k]},
                      {"iterations", spectrum.directions.iterations},
                      {"change", spectrum.directions.change}});
  return rows;
}

Record record_of(const Record& noisy, const std::vector<JacobianSpectrum>& spectra, std::int64_t first) {
  const auto count = static_cast<std::int64_t>(spectra.front().residuals.size());
  DirectionRecord result(noisy, count, "jacobian-basis", first);
  result.declare("gains");
  result.declare("residuals");
  result.declare_search();
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    result.put_vectors(at, spectra[i].directions.vectors);
    result.put("gains", at, spectra[i].directions.values);
    result.put("residuals", at, spectra[i].residuals);
    result.put_search(at, spectra[i].directions.iterations, spectra[i].directions.change);
  }
  return result.finish();
}

int run_spectrum(const Invocation& call) {
  JacobianOfDenoiser denoiser = asked_jacobian(call);
  UnsettledSearches unsettled(call);
  const auto find = [&](const Record& record, std::int64_t first) {
    return spectra_of(denoiser, record, call, first, unsettled);
  };
  const int code = run_direction_filter(call, find, rows_of, record_of);
  unsettled.finish();
  return code;
}

}  // namespace

Verb spectrum_verb() {
  const std::vector<OptionSpec> rows = {flag("rows", "print a row for each direction instead of a record"),
                                        format_option()};
  return {{"spectrum", "the first singular vectors of J, and how much of each the denoiser keeps",
           joined(jacobian_options(), search_options(), rows)},
          run_spectrum,
          {"resume"}};
}

}  // namespace noiseutils

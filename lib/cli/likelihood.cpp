#include "cli/likelihood.hpp"

#include "base/error.hpp"
#include "cli/row_filter.hpp"
#include "cli/standard_options.hpp"
#include "model/external_denoiser.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/model_kinds.hpp"
#include "score/flow_densities.hpp"

namespace noiseutils {
namespace {

/// What the options ask for.
struct Likelihood {
  std::shared_ptr<const Model> model;
  std::unique_ptr<ExternalDenoiser> program;
  bool exact = true, flow = false;
  FlowSettings settings;
  GivenLevel measurement;
};

Likelihood likelihood_of(const OptionValues& options) {
  Likelihood asked;
  const bool only_flow = options.given("denoiser") && !options.given("log-likelihood");  // no formula is known
  asked.flow = only_flow || options.text("log-likelihood") == "flow";
  if (options.given("model") == options.given("denoiser"))
    throw UsageError(options.given("model") ? "--model and --denoiser exclude each other"
                                            : "--model FILE or --denoiser 'CMD' is needed");
  if (!asked.flow)
    for (const char* option : {"denoiser", "timeout", "sigma-max", "tolerance", "probes", "seed"})
      if (options.given(option)) throw UsageError(std::string("--") + option + " is for --log-likelihood flow");
  asked.measurement = {options.maybe_number("alpha"), options.maybe_number("sigma")};
  asked.settings.sigma_max = options.number("sigma-max");
  asked.settings.tolerance = options.number("tolerance");
  asked.settings.seed = options.seed();
  if (options.given("probes")) asked.settings.probes = options.integer("probes");
  if (options.given("model")) {
    asked.model = load_model(options.text("model"));
    const bool has_density = dynamic_cast<const FittedDenoiser*>(asked.model.get()) == nullptr;
    asked.exact = !asked.flow || has_density;
  } else {
    asked.program = std::make_unique<ExternalDenoiser>(options.text("denoiser"), options.number("timeout"));
    asked.exact = false;
    if (asked.settings.probes == 0) asked.settings.probes = 1;
  }
  return asked;
}

std::vector<Row> rows_of(const Record& record, const Likelihood& asked, std::int64_t first) {
  std::vector<Row> rows(static_cast<std::size_t>(sample_count(record)));
  const Tensor& data = record.require("data");
  const auto dim = static_cast<double>(data.size()) / static_cast<double>(rows.size());
  if (asked.exact) {
    const auto densities = log_densities_of_samples(record, *asked.model, asked.measurement);
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = {{"log_density", densities[i]}, {"log_density_per_dim", densities[i] / dim}};
  }
  if (!asked.flow) return rows;
  const auto flow = asked.model
                        ? flow_densities_of_samples(record, *asked.model, asked.measurement, asked.settings, first)
                        : flow_densities_of_samples(record, *asked.program, asked.measurement, asked.settings, first);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].emplace_back("log_density_flow", flow[i].log_density);
    rows[i].emplace_back("log_density_flow_per_dim", flow[i].log_density / dim);
    rows[i].emplace_back("nfe", flow[i].calls);
  }
  return rows;
}

}  // namespace

std::vector<OptionSpec> likelihood_options() {
  OptionSpec seed = seed_option();
  seed.help = "seed of the probes, 0 to 2^64-1, or random";
  return {
      choice("log-likelihood", {"exact", "flow"},
             "log p(y) by the model's formula, or along the probability flow too, as for --denoiser always")
          .otherwise("exact"),
      number("sigma-max", "S", "where the flow ends, in units of data / alpha").otherwise("80").above(0),
      number("tolerance", "T", "what one step of the flow may change log p by").otherwise("1e-5").above(0).at_most(1),
      integer("probes", "K", "random probes of the divergence; default: exact for a model, 1 for --denoiser")
          .at_least(1)
          .at_most(10000),
      seed,
      format_option(),
  };
}

int write_log_densities(const Invocation& call) {
  const Likelihood asked = likelihood_of(call.options);
  return run_rows(call, [&](const Record& record, std::int64_t first) { return rows_of(record, asked, first); });
}

}  // namespace noiseutils

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/jacobian_options.hpp"
#include "cli/rows.hpp"
#include "cli/score_verbs.hpp"
#include "cli/standard_options.hpp"
#include "score/checks.hpp"
#include "score/jacobian_samples.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kProbes = 8;

std::vector<OptionSpec> own_options() {
  return {
      number("factor", "A", "homogeneity: is D(A y) = A D(y)?").otherwise("2").above(0).at_most(1e6),
      flag("check", "the same as the word check, where no word is given").not_in_history(),
      flag("each", "print a row for each sample, and no summary").not_in_history(),
  };
}

void add_mean(Row& row, const std::string& name, const RunningMean& mean) {
  row.emplace_back(name, mean.value());
  row.emplace_back(name + "_error", mean.error());
}

void add_of_law(Row& row, const std::optional<double>& score, const std::optional<double>& covariance) {
  if (score) row.emplace_back("score_error", *score);
  if (covariance) row.emplace_back("covariance_error", *covariance);
}

Row row_of(const CheckSummary& summary, const CheckSettings& settings) {
  Row row{{"samples", summary.samples()}, {"probes", settings.probes},          {"asymmetry", summary.asymmetry()},
          {"gain", summary.gain()},       {"least_gain", summary.least_gain()}, {"homogeneity", summary.homogeneity()}};
  add_mean(row, "stein_lack", summary.stein());
  add_mean(row, "sure_lack", summary.sure());
  if (summary.tweedie()) {
    add_mean(row, "tweedie_lack", *summary.tweedie());
    add_mean(row, "covariance_lack", *summary.covariance());
    row.emplace_back("covariance_worst", summary.covariance_worst());
  }
  add_of_law(row, summary.score_error(), summary.covariance_error());
  return row;
}

Row row_of(const SampleChecks& sample, const std::string& id, std::int64_t index) {
  CheckSummary alone;
  alone.add(sample);
  Row row{{"id", id},
          {"index", index},
          {"asymmetry", alone.asymmetry()},
          {"gain", sample.gain},
          {"least_gain", sample.least_gain},
          {"homogeneity", alone.homogeneity()},
          {"stein_lack", sample.stein_lack},
          {"sure_lack", sample.sure_lack}};
  if (sample.tweedie_lack) {
    row.emplace_back("tweedie_lack", *sample.tweedie_lack);
    row.emplace_back("covariance_lack", alone.covariance()->value());
  }
  add_of_law(row, sample.score_error, sample.covariance_error);
  return row;
}

std::vector<SampleChecks> checks_of(JacobianOfDenoiser& denoiser, const Record& record, const GivenLevel& level,
                                    const CheckSettings& settings, std::int64_t first) {
  std::vector<SampleChecks> found(static_cast<std::size_t>(sample_count(record)));
  const bool knows = record.find("clean") != nullptr;
  for_jacobians(denoiser, record, level, [&](std::int64_t i, const JacobianAt& jacobian) {
    const Tensor clean = knows ? sample_of(record, "clean", i).converted(DType::F64) : Tensor(DType::F64, {0});
    found[static_cast<std::size_t>(i)] = check_sample(jacobian, clean.values<double>(), settings, first + i);
  });
  return found;
}

int run_check(const Invocation& call) {
  JacobianOfDenoiser denoiser = asked_jacobian(call);
  CheckSettings settings;
  settings.probes = call.options.given("probes") ? call.options.integer("probes") : kProbes;
  settings.factor = call.options.number("factor");
  settings.seed = call.options.seed();
  const auto reader = open_input(call);
  RowOutput output(call.options.text("format"), call.options.text("output"));
  std::int64_t index = call.options.integer("first-index");
  CheckSummary all;
  while (const auto record = reader->next()) {
    check_record(*record, call.options.flag("allow-nonfinite"), index);
    const auto ids = sample_ids(*record, index);
    with_context("sample " + ids.front(), [&] {
      const auto found = checks_of(denoiser, *record, asked_level(call), settings, index);
      for (std::size_t i = 0; i < found.size(); ++i) {
        all.add(found[i]);
        if (call.options.flag("each")) output.add(row_of(found[i], ids[i], index + static_cast<std::int64_t>(i)));
      }
    });
    output.flush();
    index += static_cast<std::int64_t>(ids.size());
  }
  if (all.samples() == 0) throw DataError("there are no samples to check");
  if (!call.options.flag("each")) output.add(row_of(all, settings));
  return output.finish(), 0;
}

}  // namespace

Verb check_verb() {
  OptionSpec seed = seed_option();
  seed.help = "seed of the probes, 0 to 2^64-1, or random";
  const std::vector<OptionSpec> rest = {
      integer("probes", "K", "pairs of random directions at each sample; default: 8").at_least(1).at_most(10000),
      seed,
      format_option(),
  };
  return {{"check", "how far a denoiser is from the gradient of a density, and from a posterior mean",
           joined(jacobian_options(), own_options(), rest)},
          run_check,
          {"resume", "depth", "no-history", "progress"}};
}

}  // namespace noiseutils

#include "cli/split_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/error.hpp"
#include "base/number.hpp"
#include "cli/advice.hpp"
#include "cli/rows.hpp"
#include "cli/sample_rows.hpp"
#include "cli/standard_options.hpp"
#include "linalg/white_bulk.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "report/split_report.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kLeast = 3;  // samples of a half: two leave one direction, in which nothing can be compared

/// --seed, default 0: of kind gaussian it is also that of a sketch, which has no default.
std::uint64_t report_seed(const OptionValues& options) { return options.has("seed") ? options.seed() : 0; }

/// Those asked for, else 10, 100, 1000 ... and the most.
std::vector<std::int64_t> sizes_of(const OptionValues& options, const SplitReport& report) {
  std::vector<std::int64_t> sizes;
  if (options.given("sizes")) {
    for (const std::string& part : split_list(options.text("sizes"))) sizes.push_back(parse_integer(part));
  } else {
    for (std::int64_t n = 10; n < report.most(); n *= 10) sizes.push_back(n);
    sizes.push_back(report.most());
  }
  for (const std::int64_t n : sizes)
    if (n < kLeast || n > report.most())
      throw UsageError("--sizes " + std::to_string(n) + ": of " + std::to_string(report.count()) +
                       " samples a half has " + std::to_string(kLeast) + " to " + std::to_string(report.most()) +
                       (options.given("truth") ? "" : ", as a third of them is left to judge by"));
  return sizes;
}

Row row_of(const SplitReport& report, const SplitComparison& split, std::size_t level, const SplitSettings& settings) {
  const SplitFigures &seen = split.seen, &theory = split.theory;
  const SplitDenoisers &a = seen.levels[level], &b = theory.levels[level];
  const double oracle = report.oracle(settings.sigmas[level]).value_or(std::numeric_limits<double>::quiet_NaN());
  const double load = static_cast<double>(split.count) / static_cast<double>(report.dim());
  Row row = {{"n", split.count}, {"d", report.dim()}, {"splits", settings.splits}, {"sigma", settings.sigmas[level]}};
  const auto pair = [&row](const std::string& name, double value, double predicted) {
    row.emplace_back(name, value);
    row.emplace_back(name + "_theory", predicted);
  };
  pair("similarity", seen.similarity, theory.similarity);
  row.emplace_back("similarity_white", white_similarity(load));
  pair("gap", a.gap, b.gap);
  pair("cosine", a.cosine, b.cosine);
  pair("test_mse", a.test_mse, b.test_mse);
  pair("train_mse", a.train_mse, b.train_mse);
  row.emplace_back("oracle_mse", oracle);
  pair("test_over_oracle", a.test_mse / oracle, b.test_mse / oracle);
  pair("memorization", seen.memorization, theory.memorization);
  pair("memorization_ratio", seen.memorization_ratio, theory.memorization_ratio);
  row.emplace_back("memorization_ratio_white", std::sqrt(1 + 1 / load));
  pair("overlap", seen.overlap, theory.overlap);
  pair("overlap_halves", seen.overlap_halves, theory.overlap_halves);
  pair("kl", seen.divergence, theory.divergence);
  pair("top_eigenvalue", seen.top_eigenvalue, theory.top_eigenvalue);
  return row;
}

int write_split_report(const Invocation& call) {
  const OptionValues& options = call.options;
  std::unique_ptr<Model> truth;
  if (options.has("truth")) {
    truth = load_model(options.text("truth"));
    if (truth->linear() == nullptr || truth->info().patch > 0)
      throw DataError(options.text("truth") + ": kind " + truth->info().kind +
                      (truth->info().patch > 0 ? " of patches" : "") + " is no Gaussian law of whole samples");
  }
  SplitSettings settings;
  if (options.has("levels")) settings.sigmas = parse_levels("levels", options.text("levels"));
  settings.splits = options.integer("splits");
  settings.draws = options.integer("draws");
  settings.seed = report_seed(options);
  RowOutput output(options.text("format"), options.text("output"));
  const SplitReport report(sample_rows(call, 3 * kLeast), truth ? truth->linear() : nullptr);
  const auto sizes = sizes_of(options, report);
  if (settings.sigmas.empty()) settings.sigmas = default_levels(report.spectrum());
  for (const std::int64_t n : sizes) {
    const SplitComparison split = report.compare(n, settings);
    for (std::size_t k = 0; k < settings.sigmas.size(); ++k) output.add(row_of(report, split, k, settings));
    output.flush();
  }
  return output.finish(), 0;
}

}  // namespace

std::vector<OptionSpec> data_report_options() {
  return {
      flag("split-report", "no model: what models of two disjoint halves have in common, beside theory")
          .not_in_history(),
      flag("advise", "no model: the errors that each --shrink, and samplers, are predicted to have").not_in_history(),
      text("sizes", "N,N,...", "with --split-report: samples of each half; default: 10,100,1000 ... and the most"),
      text("levels", "S,S,...", "noise levels of reports, in units of data; default: .1, .3 and 1 of the data's rms"),
      integer("splits", "K", "with --split-report: random splits to average over")
          .otherwise("1")
          .at_least(1)
          .at_most(1e6),
      integer("draws", "M", "with --split-report: samples of each model, looked for among the training samples")
          .otherwise("64")
          .at_least(1)
          .at_most(1e4),
      file("truth", "MODEL", "with --split-report: the law that the samples are of, where it is known"),
      number("tolerance", "E",
             "with --advise: what W2 error of a sampler, beyond that of its start, will do, relative to the data's rms")
          .otherwise("0.01")
          .above(0),
      rows_size_option(),
      format_option(),
      seed_option(),
  };
}

namespace {

/// What --split-report alone has options of, and --advise, and what both have.
constexpr const char* kOfSplits[] = {"sizes", "splits", "draws", "truth"};
constexpr const char* kOfAdvice[] = {"tolerance"};
constexpr const char* kOfBoth[] = {"levels", "max-size", "format"};

void refuse_options(const OptionValues& options, std::span<const char* const> names, const char* owner) {
  for (const char* name : names)
    if (options.given(name)) throw UsageError(std::string("--") + name + " is for " + owner);
}

}  // namespace

bool asks_data_report(const Invocation& call) {
  const auto asks = [&](const char* name) { return call.options.declared(name) && call.options.flag(name); };
  if (asks("split-report") || asks("advise")) return true;
  if (call.words.front() == "gaussian") {
    refuse_options(call.options, kOfSplits, "--split-report");
    refuse_options(call.options, kOfAdvice, "--advise");
    refuse_options(call.options, kOfBoth, "--split-report and --advise");
  }
  return false;
}

bool asks_data_report(int argc, const char* const* argv) {
  return std::any_of(argv, argv + argc, [](const char* argument) {
    return std::string(argument) == "--split-report" || std::string(argument) == "--advise";
  });
}

int write_data_report(const Invocation& call) {
  const OptionValues& options = call.options;
  const bool splits = options.flag("split-report");
  if (splits && options.flag("advise")) throw UsageError("--split-report and --advise exclude each other");
  for (const char* name : {"patch", "stride", "sigma", "state", "shrink", "rank", "weigh", "missing", "steps",
                           "first-index", "skip-bad", "unnumbered", "checkpoint", "every", "resume"})
    if (options.declared(name) && options.given(name))
      throw UsageError(std::string("--") + name + " is no option of " + (splits ? "--split-report" : "--advise"));
  if (!splits) refuse_options(options, kOfSplits, "--split-report");
  if (splits) refuse_options(options, kOfAdvice, "--advise");
  return splits ? write_split_report(call) : write_advice(call, report_seed(options));
}

}  // namespace noiseutils

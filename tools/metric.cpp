// metric: how good are these samples? One row of figures a sample.
#include <algorithm>
#include <cmath>

#include "base/rank_session.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/metric_verbs.hpp"
#include "cli/program.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "cli/warnings.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "metric/input.hpp"
#include "metric/pool_state.hpp"

namespace {

using namespace noiseutils;

/// What is no metric of samples; a verb stands first, and takes the words behind it itself.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = joined(std::vector{compare_verb(), metric_merge_verb()}, set_metric_verbs());
  return all;
}

/// What a metric of samples goes by.
std::string basis_of(const MetricEntry& metric) {
  if (metric.needs_clean) return "With a clean reference";
  if (metric.needs_references > 0) return "By noisy references, without a clean one";
  return runs_a_denoiser(metric) ? "By noisy samples alone, of a denoiser that is run"
                                 : "By the noise that a denoiser removed";
}

/// The words, and a title above the first of each kind.
void add_words(Program& self) {
  std::string basis;
  for (const MetricEntry& metric : metrics()) {
    self.words.push_back({metric.name, metric.summary, metric.options});
    if (basis_of(metric) != basis) self.headings[metric.name] = basis = basis_of(metric);
  }
  self.words = joined(self.words, words_of(verbs()));
  self.without = without_of(verbs());
  self.headings[verbs().front().word.name] = "With figures of the above";
  self.headings[set_metric_verbs().front().word.name] = "Between two sets of samples, or two models";
}

Program program() {
  Program self;
  self.name = "metric";
  self.summary = "measure samples against a clean reference, or without one against noisy references";
  self.word_kind = "metric";
  self.word_use = Program::Words::any_number;
  add_words(self);
  self.options =
      joined(reference_options(),
             std::vector{
                 flag("summary", "print one row for all samples together instead of one a sample"),
                 flag("per-record", "print one row for all samples of each record together"),
                 file("state", "FILE", "also write what was accumulated to FILE, for metric merge").not_in_history(),
                 format_option(),
                 text_output_option(),
                 first_index_option(),
             },
             input_options());
  return self;
}

/// The figures of one sample. Input that is not finite is found by its figures, which it spoils: reading all tensors
/// for it beforehand would take as long again as the figures themselves.
std::vector<NamedValue> measure(const MetricSample& sample, std::vector<MetricPool>& pools, Verdict* verdict,
                                bool allow_nonfinite) {
  std::vector<NamedValue> all;
  bool finite = true;
  for (MetricPool& pool : pools) {
    const auto figures = with_context(pool.entry().name, [&] { return pool.add(sample); });
    if (verdict != nullptr) verdict->judge(pool, figures.front().value);
    for (const NamedValue& figure : figures) finite = finite && std::isfinite(figure.value);
    all.insert(all.end(), figures.begin(), figures.end());
  }
  if (!finite && !allow_nonfinite)
    if (const std::string what = sample.nonfinite(); !what.empty())
      throw DataError(what + " (--allow-nonfinite takes it as it is)");
  return all;
}

std::vector<MetricPool> make_pools(const std::vector<const MetricEntry*>& asked, const OptionValues& options) {
  std::vector<MetricPool> pools;
  for (const MetricEntry* entry : asked) pools.emplace_back(*entry, options);
  return pools;
}

std::vector<const MetricEntry*> asked_metrics(const Invocation& call) {
  std::vector<const MetricEntry*> asked;
  for (const std::string& word : call.words) {
    if (find_verb(verbs(), word) != nullptr) throw UsageError(word + " stands before the metrics");
    if (std::count(call.words.begin(), call.words.end(), word) > 1) throw UsageError(word + " was named twice");
    asked.push_back(find_entry(metrics(), word));
  }
  return asked;
}

/// The warnings of the sample that was last added to the pools, as a word for its row.
std::string warn(Warnings& warnings, const std::string& id, const std::vector<MetricPool>& pools) {
  std::vector<ReferenceFinding> findings;
  for (const MetricPool& pool : pools) findings.insert(findings.end(), pool.findings().begin(), pool.findings().end());
  return warnings.add(id, findings);
}

int measure_samples(const Invocation& call) {
  const auto asked = asked_metrics(call);
  const bool summary = call.options.flag("summary"), per_record = call.options.flag("per-record");
  if (summary && per_record) throw UsageError("--summary and --per-record exclude each other");
  const bool rows = !summary && !per_record, allow_nonfinite = call.options.flag("allow-nonfinite");
  const bool can_warn =
      std::any_of(asked.begin(), asked.end(), [](auto* entry) { return entry->needs_references > 0; });
  const auto reader = open_input(call);
  MetricInput input = open_references(call, asked);
  const auto denoiser = call.options.declared("denoiser") ? make_denoiser(call.options) : nullptr;
  input.judge(denoiser.get());
  std::vector<MetricPool> pools = make_pools(asked, call.options);
  RowOutput output(call.options.text("format"), call.options.text("output"));
  std::unique_ptr<TextOutput> state;
  if (call.options.has("state")) state = std::make_unique<TextOutput>(call.options.text("state"));
  std::int64_t index = call.options.integer("first-index");
  Verdict verdict;
  Warnings warnings("metric");

  while (const auto record = reader->next()) {
    check_record(*record, true, index);
    const auto ids = sample_ids(*record, index);
    std::vector<MetricPool> of_record = make_pools(per_record ? asked : decltype(asked){}, call.options);
    for (std::int64_t i = 0; i < sample_count(*record); ++i, ++index) {
      const std::string& id = ids[static_cast<std::size_t>(i)];
      const auto figures = with_context("sample " + id, [&] {
        const MetricSample sample = input.sample(*record, i, index);
        if (per_record) measure(sample, of_record, nullptr, allow_nonfinite);
        return measure(sample, pools, rows ? &verdict : nullptr, allow_nonfinite);
      });
      const std::string words = warn(warnings, id, pools);
      if (!rows) continue;
      Row row{{"id", id}, {"index", index}};
      append(row, figures);
      if (can_warn) row.emplace_back("warnings", words);
      output.add(row);
    }
    if (per_record) output.add(summary_row(of_record, verdict));
    output.flush();
  }
  input.finish();
  if (summary) {
    Row row = summary_row(pools, verdict);
    if (can_warn) row.emplace_back("warned", warnings.samples());
    output.add(row);
  }
  if (state) {
    state->write(state_text(pools));
    state->finish();
  }
  warnings.finish();
  output.finish();
  return verdict.exit_code();
}

int run(const Invocation& call) {
  const Verb* verb = find_verb(verbs(), call.words.front());
  return verb != nullptr ? verb->run(call) : measure_samples(call);
}

}  // namespace

int main(int argc, char** argv) {
  RankSession session(argc, argv);
  Program self = program();
  self.run = run;
  return session.end(tool_main(argc, argv, self));
}

// metric: how good are these samples? One row of figures a sample.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "metric/input.hpp"
#include "metric/pool.hpp"

namespace {

using namespace noiseutils;

/// What is no metric of samples; a verb stands first, and takes the words behind it itself.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = joined(set_metric_verbs());
  return all;
}

Program program() {
  Program self;
  self.name = "metric";
  self.summary = "measure samples against a clean reference, or without one against noisy references";
  self.word_kind = "metric";
  self.word_use = Program::Words::any_number;
  for (const MetricEntry& metric : metrics()) self.words.push_back({metric.name, metric.summary, metric.options});
  self.words = joined(self.words, words_of(verbs()));
  self.options = joined(
      std::vector{
          file("reference", "FILE", "clean samples to compare with; given three times: the noisy references a, b, c")
              .many(),
          number("range", "R", "largest value the data can have; default: metadata range or source (1 for images)")
              .above(0),
          flag("summary", "print one row for all samples together instead of one a sample"),
          format_option(),
          text_output_option(),
          first_index_option(),
      },
      input_options());
  return self;
}

/// Counts the samples that miss their thresholds, and says so at the end.
class Verdict {
 public:
  void judge(const MetricPool& pool, double value) { missed_ += pool.misses_threshold(value) ? 1 : 0; }
  int exit_code() const {
    if (missed_ == 0) return 0;
    std::fprintf(stderr, "metric: %lld figure%s below the threshold\n", static_cast<long long>(missed_),
                 missed_ == 1 ? " is" : "s are");
    return static_cast<int>(ExitCode::threshold_missed);
  }

 private:
  std::int64_t missed_ = 0;
};

void append(Row& row, const std::vector<NamedValue>& figures) {
  for (const NamedValue& figure : figures) row.emplace_back(figure.name, figure.value);
}

MetricInput open_references(const Invocation& call) {
  std::vector<const MetricEntry*> asked;
  for (const std::string& word : call.words) {
    if (std::count(call.words.begin(), call.words.end(), word) > 1) throw UsageError(word + " was named twice");
    asked.push_back(find_entry(metrics(), word));
  }
  const auto names = call.options.list("reference");
  std::vector<SampleReader> readers;
  for (const std::string& name : names) readers.emplace_back(open_records({name}, read_options(call)));
  return MetricInput(asked, call.options.maybe_number("range"), names, std::move(readers));
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

int measure_samples(const Invocation& call) {
  for (const std::string& word : call.words)
    if (find_verb(verbs(), word) != nullptr) throw UsageError(word + " stands before the metrics");
  const auto reader = open_input(call);
  MetricInput input = open_references(call);
  const auto denoiser = call.options.declared("denoiser") ? make_denoiser(call.options) : nullptr;
  input.judge(denoiser.get());
  std::vector<MetricPool> pools;
  for (const std::string& word : call.words) pools.emplace_back(*find_entry(metrics(), word), call.options);
  RowOutput output(call.options.text("format"), call.options.text("output"));
  const bool summary = call.options.flag("summary"), allow_nonfinite = call.options.flag("allow-nonfinite");
  std::int64_t index = call.options.integer("first-index"), samples = 0;
  Verdict verdict;

  while (const auto record = reader->next()) {
    check_record(*record, true, index);
    const auto ids = sample_ids(*record, index);
    for (std::int64_t i = 0; i < sample_count(*record); ++i, ++index, ++samples) {
      const std::string& id = ids[static_cast<std::size_t>(i)];
      const auto figures = with_context("sample " + id, [&] {
        return measure(input.sample(*record, i, index), pools, summary ? nullptr : &verdict, allow_nonfinite);
      });
      if (summary) continue;
      Row row{{"id", id}, {"index", index}};
      append(row, figures);
      output.add(row);
    }
    output.flush();
  }
  input.finish();
  if (summary) {
    if (samples == 0) throw DataError("there are no samples to summarise");
    Row row{{"samples", samples}};
    for (const MetricPool& pool : pools) {
      const auto figures = pool.summary();
      verdict.judge(pool, figures.front().value);
      append(row, figures);
    }
    output.add(row);
  }
  output.finish();
  return verdict.exit_code();
}

int run(const Invocation& call) {
  const Verb* verb = find_verb(verbs(), call.words.front());
  return verb != nullptr ? verb->run(call) : measure_samples(call);
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}

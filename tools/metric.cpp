// metric: how good are these samples? One row of figures a sample.
#include <algorithm>

#include "base/rank_session.hpp"
#include "base/registry.hpp"
#include "cli/metric_verbs.hpp"
#include "cli/program.hpp"
#include "cli/rank_input.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"

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

std::vector<const MetricEntry*> asked_metrics(const Invocation& call) {
  std::vector<const MetricEntry*> asked;
  for (const std::string& word : call.words) {
    if (find_verb(verbs(), word) != nullptr) throw UsageError(word + " stands before the metrics");
    if (std::count(call.words.begin(), call.words.end(), word) > 1) throw UsageError(word + " was named twice");
    asked.push_back(find_entry(metrics(), word));
  }
  return asked;
}

int run(const Invocation& call) {
  const Verb* verb = find_verb(verbs(), call.words.front());
  if (verb == nullptr) return measure_samples(call, asked_metrics(call));
  refuse_ranks(verb->word.name);
  return verb->run(call);
}

}  // namespace

int main(int argc, char** argv) {
  RankSession session(argc, argv);
  Program self = program();
  self.run = run;
  return session.end(tool_main(argc, argv, self));
}

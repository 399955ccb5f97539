// train-linear: samples in, a model file out.
#include <algorithm>

#include "base/rank_session.hpp"
#include "base/registry.hpp"
#include "cli/checkpoint.hpp"
#include "cli/program.hpp"
#include "cli/rank_input.hpp"
#include "cli/split_report.hpp"
#include "cli/standard_options.hpp"
#include "cli/train_verbs.hpp"
#include "train/statistics.hpp"

namespace {

using namespace noiseutils;

/// What stands beside the kinds of model.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {train_merge_verb()};
  return all;
}

/// The options of a kind: its own, and what every way of learning has that it has none of the same name for.
std::vector<OptionSpec> options_of(const TrainKind& kind) {
  auto shared = joined(training_options(), checkpoint_options(),
                       kind.name == "gaussian" ? data_report_options() : std::vector<OptionSpec>{});
  std::erase_if(shared, [&](const OptionSpec& option) { return find_entry(kind.options, option.name) != nullptr; });
  return joined(kind.options, shared);
}

Program program() {
  Program self;
  self.name = "train-linear";
  self.summary = "learn a linear model of samples, clean or noisy, in one pass";
  self.word_kind = "kind";
  self.word_use = Program::Words::exactly_one;
  for (const TrainKind& kind : train_kinds()) self.words.push_back({kind.name, kind.summary, options_of(kind)});
  self.words = joined(self.words, words_of(verbs()));
  self.without = without_of(verbs());
  auto inputs = input_options();  // one NaN would spoil every moment: there is no taking it as it is
  std::erase_if(inputs, [](const OptionSpec& option) { return option.name == "allow-nonfinite"; });
  self.without["sgd"] = {"depth"};  // of bits: its own is of layers
  self.options = joined(std::vector{first_index_option()}, inputs, output_options());
  return self;
}

int run(const Invocation& call) {
  const Verb* verb = find_verb(verbs(), call.words.front());
  const bool report = asks_data_report(call);
  if (verb == nullptr && !report) return train_on_samples(call);
  refuse_ranks(report ? "a report on the samples" : verb->word.name);
  return report ? write_data_report(call) : verb->run(call);
}

}  // namespace

int main(int argc, char** argv) {
  RankSession session(argc, argv);
  Program self = program();
  self.run = run;
  if (asks_data_report(argc, argv)) {  // of the one kind that has reports, which need not be named
    self.word_use = Program::Words::at_most_one;
    self.default_word = "gaussian";
  }
  return session.end(tool_main(argc, argv, self));
}

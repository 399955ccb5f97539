// train-linear: samples in, a model file out.
#include "base/rank_session.hpp"
#include "cli/checkpoint.hpp"
#include "cli/program.hpp"
#include "cli/rank_input.hpp"
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

Program program() {
  Program self;
  self.name = "train-linear";
  self.summary = "learn a linear model of samples, clean or noisy, in one pass";
  self.word_kind = "kind";
  self.word_use = Program::Words::exactly_one;
  for (const TrainKind& kind : train_kinds())
    self.words.push_back({kind.name, kind.summary, joined(kind.options, training_options(), checkpoint_options())});
  self.words = joined(self.words, words_of(verbs()));
  self.without = without_of(verbs());
  auto inputs = input_options();  // one NaN would spoil every moment: there is no taking it as it is
  std::erase_if(inputs, [](const OptionSpec& option) { return option.name == "allow-nonfinite"; });
  self.options = joined(std::vector{first_index_option()}, inputs, output_options());
  return self;
}

int run(const Invocation& call) {
  const Verb* verb = find_verb(verbs(), call.words.front());
  if (verb == nullptr) return train_on_samples(call);
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

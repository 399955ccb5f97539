// tensor: plumbing for streams of records.
#include "base/error.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"

namespace {

using namespace noiseutils;

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = joined(report_verbs(), stream_verbs(), subsample_verbs());
  return all;
}

int run(const Invocation& call) {
  if (const Verb* verb = find_verb(verbs(), call.words.front())) return verb->run(call);
  throw InternalError("a verb without code");
}

}  // namespace

int main(int argc, char** argv) {
  Program self;
  self.name = "tensor";
  self.summary = "plumbing for streams of tensors: look, cut, join, convert";
  self.word_kind = "verb";
  self.word_use = Program::Words::exactly_one;
  self.words = words_of(verbs());
  self.options = joined(input_options(), output_options());
  self.run = run;
  return tool_main(argc, argv, self);
}

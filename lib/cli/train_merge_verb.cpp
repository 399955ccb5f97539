#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/train_verbs.hpp"
#include "model/model_kinds.hpp"
#include "train/trainer.hpp"

namespace noiseutils {
namespace {

int merge(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_result(call);
  std::unique_ptr<Trainer> trainer;
  std::vector<std::string> histories;
  while (const auto state = reader->next()) {
    const std::string who = "state " + std::to_string(histories.size());
    with_context(who, [&] {
      if (!trainer) trainer = std::make_unique<Trainer>(Trainer::kind_of_state(*state), TrainRequest{});
      trainer->merge_state(*state);
    });
    histories.push_back(state->meta("history"));
  }
  if (!trainer) throw DataError("there is no state to merge");
  Record model = model_to_record(*trainer->finish());
  add_result_history(model, call, histories);
  writer->write(model);
  return writer->finish(), 0;
}

}  // namespace

Verb train_merge_verb() { return {{"merge", "a model from the statistics of several runs (--state)", {}}, merge}; }

}  // namespace noiseutils

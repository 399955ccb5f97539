// train-linear: samples in, a model file out.
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/progress.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "model/model_kinds.hpp"
#include "train/trainer.hpp"

namespace {

using namespace noiseutils;

std::vector<OptionSpec> training_options() {
  return {
      integer("patch", "P", "learn the law of all overlapping P x P patches; default: of whole samples")
          .at_least(1)
          .at_most(64),
      number("sigma", "S",
             "standard deviation of white noise in the samples, in units of data; default: metadata noise, "
             "else none")
          .above(0)
          .at_most(1e30),
      flag("state", "write the sufficient statistics instead of the model, for train-linear merge"),
  };
}

Program program() {
  Program self;
  self.name = "train-linear";
  self.summary = "learn a linear model of samples, clean or noisy, in one pass";
  self.word_kind = "kind";
  self.word_use = Program::Words::exactly_one;
  for (const TrainKind& kind : train_kinds())
    self.words.push_back({kind.name, kind.summary, joined(kind.options, training_options())});
  self.words.push_back({"merge", "a model from the statistics of several runs (--state)", {}});
  auto inputs = input_options();  // one NaN would spoil every moment: there is no taking it as it is
  std::erase_if(inputs, [](const OptionSpec& option) { return option.name == "allow-nonfinite"; });
  self.options = joined(std::vector{first_index_option()}, inputs, output_options());
  return self;
}

void write_result(const Invocation& call, Record result, const std::string& inner_history) {
  result.metadata["history"] = inner_history;
  add_history(result, call);
  const auto writer = open_output(call);
  writer->write(result);
  writer->finish();
}

int merge(const Invocation& call) {
  const auto reader = open_input(call);
  std::unique_ptr<Trainer> trainer;
  while (const auto state = reader->next()) {
    if (!trainer) trainer = std::make_unique<Trainer>(Trainer::kind_of_state(*state), TrainRequest{});
    trainer->merge_state(*state);
  }
  if (!trainer) throw DataError("there is no state to merge");
  return write_result(call, model_to_record(*trainer->finish()), ""), 0;
}

int run(const Invocation& call) {
  if (call.words.front() == "merge") return merge(call);
  TrainRequest request;
  if (call.options.has("patch")) request.patch = call.options.integer("patch");
  request.sigma = call.options.maybe_number("sigma");
  Trainer trainer(*find_entry(train_kinds(), call.words.front()), request);
  const auto reader = open_input(call);
  Progress progress(call.title(), call.options.text("progress"));
  const std::int64_t first_index = call.options.integer("first-index");
  std::int64_t done = 0;
  std::string history;
  while (const auto record = reader->next()) {
    check_record(*record, false, first_index + done, "");
    trainer.add(*record, first_index + done);
    if (done == 0) history = record->meta("history");
    done += sample_count(*record);
    const auto position = stream_position(*record);
    progress.update(done, position ? position->count : std::nullopt);
  }
  return write_result(call, call.options.flag("state") ? trainer.state() : model_to_record(*trainer.finish()), history),
         0;
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}

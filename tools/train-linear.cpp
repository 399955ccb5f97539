// train-linear: samples in, a model file out.
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/progress.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/split_report.hpp"
#include "cli/standard_options.hpp"
#include "model/model_kinds.hpp"
#include "train/companion.hpp"
#include "train/trainer.hpp"

namespace {

using namespace noiseutils;

std::vector<OptionSpec> training_options() {
  return {
      integer("patch", "P", "learn the law of all overlapping P x P patches; default: of whole samples")
          .at_least(1)
          .at_most(64),
      integer("stride", "F", "with --patch: of the sub-images of every F-th pixel, for noise that reaches less far")
          .otherwise("1")
          .at_least(1)
          .at_most(64),
      number("sigma", "S",
             "standard deviation of white noise in the samples, in units of data; default: metadata noise, "
             "else none")
          .above(0)
          .at_most(1e30),
      text("use", "NAME", "learn from the tensor NAME of each record, such as clean or reference.1").otherwise("data"),
      file("state", "FILE", "write the sufficient statistics to FILE, for train-linear merge, and no model")
          .not_in_history(),
  };
}

Program program() {
  Program self;
  self.name = "train-linear";
  self.summary = "learn a linear model of samples, clean or noisy, in one pass";
  self.word_kind = "kind";
  self.word_use = Program::Words::exactly_one;
  for (const TrainKind& kind : train_kinds())
    self.words.push_back({kind.name, kind.summary,
                          joined(kind.options, training_options(),
                                 kind.name == "gaussian" ? data_report_options() : std::vector<OptionSpec>{})});
  self.words.push_back({"merge", "a model from the statistics of several runs (--state)", {}});
  auto inputs = input_options();  // one NaN would spoil every moment: there is no taking it as it is
  std::erase_if(inputs, [](const OptionSpec& option) { return option.name == "allow-nonfinite"; });
  self.options = joined(std::vector{first_index_option()}, inputs, output_options());
  return self;
}

/// The file that the result goes to, opened before the work: a wrong name must not be learned after hours.
std::unique_ptr<RecordWriter> open_result(const Invocation& call) {
  const bool is_state = call.options.declared("state") && call.options.has("state");
  if (is_state && call.options.has("output")) throw UsageError("--state writes no model: give it or -o, not both");
  const std::string path = call.options.text(is_state ? "state" : "output");
  if (!path.empty() && path != "-" && !path.ends_with(".safetensors") && !path.ends_with(".nst"))
    throw UsageError(path + ": a model or state is written as .safetensors or .nst");
  return open_writer(path, write_options(call));
}

void add_step(Record& result, const Invocation& call, const std::vector<std::string>& inputs) {
  if (call.options.flag("no-history")) return;
  result.metadata["history"] = inputs.size() == 1 ? extended_history(inputs.front(), history_step(call))
                                                  : extended_history("", history_step(call), inputs);
}

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
  add_step(model, call, histories);
  writer->write(model);
  return writer->finish(), 0;
}

int run(const Invocation& call) {
  if (call.words.front() == "merge") return merge(call);
  if (asks_data_report(call)) return write_data_report(call);
  TrainRequest request;
  if (call.options.has("patch")) request.patch = call.options.integer("patch");
  request.stride = call.options.integer("stride");
  if (request.stride > 1 && request.patch == 0) throw UsageError("--stride is of the pixels of patches: give --patch");
  request.sigma = call.options.maybe_number("sigma");
  request.options = call.options;
  Trainer trainer(*find_entry(train_kinds(), call.words.front()), request);
  const auto reader = open_input(call);
  const auto writer = open_result(call);
  Progress progress(call.title(), call.options.text("progress"));
  const std::int64_t first_index = call.options.integer("first-index");
  std::int64_t done = 0;
  std::string history;
  while (auto record = reader->next()) {
    check_record(*record, false, first_index + done, "");
    use_companion(*record, call.options.text("use"));
    trainer.add(*record, first_index + done);
    if (done == 0) history = record->meta("history");
    done += sample_count(*record);
    const auto position = stream_position(*record);
    progress.update(done, position ? position->count : std::nullopt);
  }
  Record result = call.options.has("state") ? trainer.state() : model_to_record(*trainer.finish());
  add_step(result, call, {history});
  writer->write(result);
  return writer->finish(), 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  if (asks_data_report(argc, argv)) {  // of the one kind that has reports, which need not be named
    self.word_use = Program::Words::at_most_one;
    self.default_word = "gaussian";
  }
  return tool_main(argc, argv, self);
}

#include "base/error.hpp"
#include "base/progress.hpp"
#include "base/ranks.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/rank_input.hpp"
#include "cli/train_verbs.hpp"
#include "model/model_kinds.hpp"
#include "tensor/record_bytes.hpp"
#include "train/companion.hpp"
#include "train/trainer.hpp"

namespace noiseutils {

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

std::unique_ptr<RecordWriter> open_result(const Invocation& call) {
  const bool is_state = call.options.declared("state") && call.options.has("state");
  if (is_state && call.options.has("output")) throw UsageError("--state writes no model: give it or -o, not both");
  const std::string path = call.options.text(is_state ? "state" : "output");
  if (!path.empty() && path != "-" && !path.ends_with(".safetensors") && !path.ends_with(".nst"))
    throw UsageError(path + ": a model or state is written as .safetensors or .nst");
  return open_writer(path, write_options(call));
}

void add_result_history(Record& result, const Invocation& call, const std::vector<std::string>& inputs) {
  if (call.options.flag("no-history")) return;
  result.metadata["history"] = inputs.size() == 1 ? extended_history(inputs.front(), history_step(call))
                                                  : extended_history("", history_step(call), inputs);
}

namespace {

constexpr std::int64_t kBlockOfSamples = 256;  // that statistics of whole samples are cut into

TrainRequest train_request(const Invocation& call) {
  TrainRequest request;
  if (call.options.has("patch")) request.patch = call.options.integer("patch");
  request.stride = call.options.integer("stride");
  if (request.stride > 1 && request.patch == 0) throw UsageError("--stride is of the pixels of patches: give --patch");
  request.sigma = call.options.maybe_number("sigma");
  request.options = call.options;
  return request;
}

/// Brings what all ranks learned together on the first: true there.
bool gather_ranks(Trainer& trainer, bool has_samples) {
  return reduce_to_first(
      ranks(), [&] { return has_samples ? record_bytes(trainer.state()) : std::vector<std::byte>(); },
      [&](std::span<const std::byte> theirs) {
        if (theirs.empty()) return;
        trainer.merge_state(record_from_bytes(theirs));
        has_samples = true;
      });
}

}  // namespace

int train_on_samples(const Invocation& call) {
  Trainer trainer(*find_entry(train_kinds(), call.words.front()), train_request(call));
  const RankInput input = open_rank_input(call, call.options.has("patch") ? 1 : kBlockOfSamples);
  const auto writer = ranks().is_first() ? open_result(call) : nullptr;
  Progress progress(call.title(), ranks().is_first() ? call.options.text("progress") : "none");
  const std::int64_t first_index = call.options.integer("first-index") + input.share.from;
  std::int64_t done = 0;
  std::string history;
  while (auto record = input.reader->next()) {
    check_record(*record, false, first_index + done, "");
    use_companion(*record, call.options.text("use"));
    trainer.add(*record, first_index + done);
    if (done == 0) history = record->meta("history");
    done += sample_count(*record);
    const auto position = stream_position(*record);
    progress.update(done, input.total ? input.share.count() : position ? position->count : std::nullopt);
  }
  if (!gather_ranks(trainer, done > 0)) return 0;
  Record result = call.options.has("state") ? trainer.state() : model_to_record(*trainer.finish());
  add_result_history(result, call, {history});
  writer->write(result);
  return writer->finish(), 0;
}

}  // namespace noiseutils

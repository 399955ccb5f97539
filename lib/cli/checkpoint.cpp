#include "cli/checkpoint.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/ranks.hpp"
#include "base/registry.hpp"
#include "base/signals.hpp"
#include "cli/standard_options.hpp"
#include "cli/train_verbs.hpp"
#include "tensor/content_hash.hpp"
#include "tensor/file_output.hpp"
#include "tensor/reader.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool exists(const std::string& path) { return std::filesystem::exists(path); }

/// All that the result depends on beside the input: each option with its value, defaults too.
std::string settings_of(const Invocation& call) {
  const TrainKind& kind = *find_entry(train_kinds(), call.words.front());
  nlohmann::json settings = {{"", kind.name}};  // sorts first: other options follow from another kind
  for (const OptionSpec& spec :
       joined(kind.options, training_options(), input_options(), std::vector{first_index_option()})) {
    if (!call.options.declared(spec.name) || !(spec.changes_values || spec.name == "first-index")) continue;
    std::string value;
    if (spec.type == OptionType::flag)
      value = call.options.flag(spec.name) ? "yes" : "no";
    else
      for (const std::string& one : call.options.list(spec.name)) value += (value.empty() ? "" : " ") + one;
    settings["--" + spec.name] = value;
  }
  if (ranks().size() > 1) settings["mpirun -n"] = std::to_string(ranks().size());
  return json_text(settings);
}

/// Throws DataError naming the first setting in which the two differ.
void check_settings(const std::string& own, const std::string& theirs) {
  const nlohmann::json mine = parse_json(own), other = parse_json(theirs);
  if (!other.is_object()) throw DataError("is no checkpoint of train-linear");
  for (const auto& [name, value] : mine.items()) {
    const std::string was = other.contains(name) && other[name].is_string() ? other[name].get<std::string>() : "";
    const auto said = [&option = name](const std::string& text) {
      return text.empty() ? "no " + option : (option.empty() ? "kind" : option) + " \"" + text + '"';
    };
    if (was == value.get<std::string>()) continue;
    throw DataError("is the checkpoint of a run with " + said(was) + ", this one has " +
                    said(value.get<std::string>()) + ": give the same options, or remove it to start anew");
  }
}

}  // namespace

std::vector<OptionSpec> checkpoint_options() {
  return {
      file("checkpoint", "FILE", "leave all that was learned so far in FILE now and then, and when a signal comes")
          .not_in_history(),
      text("every", "TIME", "with --checkpoint: how often, such as 30s, 5m, 1h; 0: after every batch")
          .otherwise("60s")
          .not_in_history(),
      flag("resume", "with --checkpoint: go on from FILE, if it is there").not_in_history(),
  };
}

Checkpoint::Checkpoint(const Invocation& call)
    : path_(call.options.text("checkpoint")), resume_(call.options.flag("resume")), written_at_(now()) {
  every_ = with_context("--every", [&] { return parse_duration(call.options.text("every")); });
  constexpr double kLongest = 30 * 24 * 3600.0;  // no run lasts as long: a slip of the pen would mean no checkpoint
  if (every_ > kLongest) throw UsageError("--every " + call.options.text("every") + ": at most 720h, 30 days");
  if (path_.empty()) {
    if (resume_) throw UsageError("--resume goes on from a checkpoint: give --checkpoint FILE");
    if (call.options.given("every")) throw UsageError("--every is of checkpoints: give --checkpoint FILE");
    return;
  }
  for (const char* other : {"output", "state"})
    if (call.options.text(other) == path_)
      throw UsageError("--checkpoint and --" + std::string(other) + " are both " + path_ +
                       ": give them names of their own");
  if (ranks().size() > 1) path_ += "." + std::to_string(ranks().rank());
  if (!resume_ && exists(path_))
    throw UsageError(path_ + " is there already: --resume goes on from it; remove it to start anew");
  FileOutput probe(path_);  // a wrong name must not be learned when the first is due
  settings_ = settings_of(call);
  defer_stop_signals();
}

TrainPosition Checkpoint::resume(Trainer& trainer) {
  TrainPosition position;
  if (!resume_ || !exists(path_)) return position;
  const auto record = open_records({path_}, {})->next();
  return with_context(path_, [&] {
    check_settings(settings_, record->meta("checkpoint.settings"));
    trainer.resume(*record);
    generation_ = whole_number(*record, "checkpoint.generation", 0, kMaxVectors);
    position.samples = whole_number(*record, "checkpoint.samples", 0, kMaxVectors);
    position.history = record->meta("checkpoint.history");
    last_hash_ = record->meta("checkpoint.last");
    if (const std::string name = record->meta("checkpoint.first_skipped"); !name.empty()) position.first_skipped = name;
    return position;
  });
}

void Checkpoint::check_last(const Tensor& sample) const {
  if (content_hash_text(sample) != last_hash_)
    throw DataError(path_ + ": is the checkpoint of another input; remove it to start anew");
}

void Checkpoint::pass(Trainer& trainer, const TrainPosition& position) {
  if (!wanted()) return;
  if (stop_requested() || now() - written_at_ >= every_) write(trainer, position);
  stop_if_requested();
}

void Checkpoint::write(Trainer& trainer, const TrainPosition& position) {
  if (!wanted() || !position.last || !trainer.has_statistics()) return;
  Record record = trainer.checkpoint();
  record.metadata["checkpoint.settings"] = settings_;
  record.metadata["checkpoint.generation"] = std::to_string(++generation_);
  record.metadata["checkpoint.samples"] = std::to_string(position.samples);
  record.metadata["checkpoint.history"] = position.history;
  record.metadata["checkpoint.last"] = content_hash_text(*position.last);
  if (position.first_skipped) record.metadata["checkpoint.first_skipped"] = *position.first_skipped;
  FileOutput file(path_);
  write_record(file, record, {});
  file.commit();
  written_at_ = now();
}

void Checkpoint::remove() {
  if (wanted()) ::unlink(path_.c_str());
}

}  // namespace noiseutils

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/model_report.hpp"
#include "cli/standard_options.hpp"
#include "cli/train_verbs.hpp"
#include "model/model_kinds.hpp"
#include "train/trainer.hpp"

namespace noiseutils {
namespace {

/// The samples before the last known one that no state has: "sample 3 is missing", "samples 3, 100 to 199 are missing";
/// empty where there are none.
std::string gaps(const std::map<std::int64_t, std::int64_t>& ranges) {
  std::string text;
  std::int64_t next = 0, missing = 0;
  for (const auto& [first, end] : ranges) {
    if (first > next) {
      text += (text.empty() ? "" : ", ") + std::to_string(next);
      if (first - next > 1) text += " to " + std::to_string(first - 1);
      missing += first - next;
    }
    next = std::max(next, end);
  }
  if (text.empty()) return text;
  return missing == 1 ? "sample " + text + " is missing" : "samples " + text + " are missing";
}

/// What is missing where shards are: as far as numbers tell.
std::string what_is_missing(const std::map<std::int64_t, std::int64_t>& ranges) {
  if (ranges.empty()) return "their samples have no numbers";
  const std::string known = gaps(ranges);
  return known.empty() ? "a shard after sample " + std::to_string(ranges.rbegin()->second - 1) + " is missing" : known;
}

/// With --expect the shards are counted. Without it a model of numbers with a hole is made, and told about: a shard may
/// have failed. A state is a part of something by its nature.
void expect(const Invocation& call, const Trainer& trainer) {
  if (!call.options.has("expect")) {
    const std::string missing = gaps(trainer.ranges());
    if (!missing.empty() && !call.options.has("state"))
      std::fprintf(stderr, "train-linear: warning: %s (--expect N refuses)\n", missing.c_str());
    return;
  }
  const std::int64_t expected = call.options.integer("expect"), found = trainer.shards();
  if (found > expected)
    throw DataError(std::to_string(found) + " shards are there, " + std::to_string(expected) + " expected");
  if (found < expected)
    throw DataError(std::to_string(found) + " of " + std::to_string(expected) +
                    " shards are there: " + what_is_missing(trainer.ranges()));
}

/// What is written must not take the place of what is read: a shard is the work of hours. Compares device and inode.
void refuse_inputs_as_outputs(const Invocation& call) {
  for (const char* name : {"output", "state", "report"}) {
    const std::string path = call.options.text(name);
    for (const std::string& file : call.files) {
      std::error_code absent;
      if (!path.empty() && path != "-" && file != "-" && std::filesystem::equivalent(path, file, absent))
        throw UsageError(path + " is one of the states to merge: write to a file of another name");
    }
  }
}

/// The states of all files one after the other: no more than two are in memory, the sum and the one that is added.
class Merging {
 public:
  void add(const Record& state, const std::string& name) {
    if (!trainer_) trainer_ = std::make_unique<Trainer>(Trainer::kind_of_state(state), TrainRequest{});
    if (const std::int64_t shared = trainer_->merge_state(state, name); shared > 0)
      std::fprintf(stderr, "train-linear: %s: %lld of its samples are there already (by their content)\n", name.c_str(),
                   static_cast<long long>(shared));
    histories_.push_back(state.meta("history"));
  }
  Trainer& trainer() {
    if (!trainer_) throw DataError("there is no state to merge");
    return *trainer_;
  }
  const std::vector<std::string>& histories() const { return histories_; }

 private:
  std::unique_ptr<Trainer> trainer_;
  std::vector<std::string> histories_;
};

/// `unnamed`: nobody said that states come on standard input, so an error there is told with what may have been meant.
std::optional<Record> next_state(RecordReader& reader, bool unnamed) {
  try {
    return reader.next();
  } catch (const DataError& error) {
    if (!unnamed) throw;
    throw DataError(std::string(error.what()) + " (name the files that --state wrote)");
  }
}

int merge(const Invocation& call) {
  refuse_inputs_as_outputs(call);
  const auto writer = open_result(call);
  ModelReport report(call);
  Merging merging;
  ReadOptions how;
  how.max_header = static_cast<std::size_t>(call.options.integer("max-header"));
  const auto files = call.files.empty() ? std::vector<std::string>{"-"} : call.files;
  open_records(files, how);  // a wrong name must not be learned after hours
  for (const std::string& file : files) {
    const auto reader = open_records({file}, how);
    std::int64_t place = 0;
    while (const auto state = next_state(*reader, call.files.empty() && place == 0)) {
      const std::string name = file == "-" ? "state " + std::to_string(place) : file;
      with_context(name, [&] { merging.add(*state, name); });
      ++place;
    }
  }
  Trainer& trainer = merging.trainer();
  expect(call, trainer);
  Record result = call.options.has("state") ? trainer.state() : model_to_record(*trainer.finish());
  if (trainer.skipped() > 0) result.metadata["samples.skipped"] = std::to_string(trainer.skipped());
  add_result_history(result, call, merging.histories());
  writer->write(result);
  writer->finish();
  return report.write(result), 0;
}

/// All that says how samples are read: merge reads none.
std::vector<std::string> options_without() {
  std::vector<std::string> names = {"first-index"};
  for (const OptionSpec& spec : input_options())
    if (spec.name != "max-header") names.push_back(spec.name);
  return names;
}

}  // namespace

Verb train_merge_verb() {
  return {{"merge",
           "a model from the statistics of several runs (--state)",
           {integer("expect", "N", "refuse to end unless there are the states of N runs, and say what is missing")
                .at_least(1)
                .at_most(1e9),
            state_option(), report_option()}},
          merge,
          options_without()};
}

}  // namespace noiseutils

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/error.hpp"
#include "base/progress.hpp"
#include "base/ranks.hpp"
#include "base/registry.hpp"
#include "cli/checkpoint.hpp"
#include "cli/filter.hpp"
#include "cli/model_report.hpp"
#include "cli/rank_input.hpp"
#include "cli/train_verbs.hpp"
#include "model/model_kinds.hpp"
#include "tensor/record_bytes.hpp"
#include "tensor/segments.hpp"
#include "train/companion.hpp"
#include "train/trainer.hpp"

namespace noiseutils {

OptionSpec state_option() {
  return file("state", "FILE", "write the sufficient statistics to FILE, for train-linear merge, and no model")
      .not_in_history();
}

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
      flag("skip-bad", "leave out samples that are not finite, and count them; default: refuse the first"),
      flag("unnumbered", "where the samples stand among those of other runs is not known (instead of --first-index)"),
      state_option(),
  };
}

std::unique_ptr<RecordWriter> open_result(const Invocation& call) {
  const bool is_state = call.options.declared("state") && call.options.has("state");
  if (is_state && call.options.has("output")) throw UsageError("--state writes no model: give it or -o, not both");
  const std::string path = call.options.text(is_state ? "state" : "output");
  if (!path.empty() && path != "-" && !path.ends_with(".safetensors") && !path.ends_with(".nst"))
    throw UsageError(path + ": a model or state is written as .safetensors or .nst");
  WriteOptions how = write_options(call);
  how.resumable = how.resume = false;  // --resume is of the checkpoint, not of this file
  return open_writer(path, how);
}

void add_result_history(Record& result, const Invocation& call, const std::vector<std::string>& inputs) {
  if (call.options.flag("no-history")) return;
  result.metadata["history"] = inputs.size() == 1 ? extended_history(inputs.front(), history_step(call))
                                                  : extended_history("", history_step(call), inputs);
}

namespace {

/// Does this rank's part of the work. Where a signal stops one rank all throw Interrupted, each once all are there.
template <class Work>
void stop_together(Work&& work) {
  std::optional<Interrupted> stopped;
  try {
    work();
  } catch (const Interrupted& signal) {
    if (ranks().size() == 1) throw;
    stopped = signal;
  }
  if (ranks().largest(stopped ? 1 : 0) == 0) return;
  throw stopped.value_or(Interrupted("another rank was stopped by a signal; go on with --resume"));
}

constexpr std::int64_t kBlock = 256;   // that statistics of whole samples are cut into
constexpr std::int64_t kBatch = 1024;  // samples learned at a time, so that a batch of all can stop
constexpr std::int64_t kBatchBytes = std::int64_t{64} << 20;  // and no more than that of large ones

TrainRequest train_request(const Invocation& call, const TrainKind& kind) {
  TrainRequest request;
  if (call.options.has("patch")) request.patch = call.options.integer("patch");
  request.stride = call.options.integer("stride");
  if (request.stride > 1 && request.patch == 0) throw UsageError("--stride is of the pixels of patches: give --patch");
  if (find_entry(kind.options, "sigma") == nullptr) request.sigma = call.options.maybe_number("sigma");
  request.options = call.options;
  request.unnumbered = call.options.flag("unnumbered");
  if (request.unnumbered && call.options.given("first-index"))
    throw UsageError("--unnumbered and --first-index exclude each other");
  return request;
}

/// Whether the samples are read more than once: then from files that can be.
bool reads_again(const Invocation& call) {
  const auto asks = find_entry(train_kinds(), call.words.front())->reads_again;
  const std::string once = asks == nullptr ? "" : asks(call.options, call.options.has("state"));
  const bool rereadable = !call.files.empty() &&
                          std::all_of(call.files.begin(), call.files.end(),
                                      [](const std::string& file) { return std::filesystem::is_regular_file(file); });
  if (!once.empty() && !rereadable)
    throw UsageError("the samples are read more than once: name regular files, or say " + once);
  if (!once.empty()) refuse_ranks("reading the samples more than once");
  return !once.empty();
}

/// One run over the samples: where it stands, what it left out, what it leaves behind.
class TrainRun {
 public:
  explicit TrainRun(const Invocation& call)
      : call_(call),
        skip_bad_(call.options.flag("skip-bad")),
        first_index_(call.options.flag("unnumbered") ? 0 : call.options.integer("first-index")),
        trainer_(*find_entry(train_kinds(), call.words.front()),
                 train_request(call, *find_entry(train_kinds(), call.words.front()))),
        checkpoint_(call),
        again_(reads_again(call)),
        progress_(call.title(), ranks().is_first() ? call.options.text("progress") : "none") {}

  /// Reads to the end of this rank's samples. Where a rank was stopped by a signal all leave a checkpoint, and throw
  /// Interrupted. The checkpoint of the end is what is resumed from if the work on all samples is stopped.
  void read() {
    stop_together([&] { read_passes(); });
  }

  /// Brings what all ranks learned together on the first: true there.
  bool gather() {
    return reduce_to_first(
        ranks(),
        [&] {
          std::optional<Record> part = trainer_.part();
          if (!part) return std::vector<std::byte>();
          if (position_.first_skipped) part->metadata["first_skipped"] = *position_.first_skipped;
          return record_bytes(*part);
        },
        [&](std::span<const std::byte> theirs) {
          if (theirs.empty()) return;
          const Record part = record_from_bytes(theirs);
          trainer_.join(part);
          if (const std::string name = part.meta("first_skipped"); !name.empty() && !position_.first_skipped)
            position_.first_skipped = name;
        });
  }

  /// The model, or the state.
  Record result() {
    const bool state = call_.options.has("state");
    Record result = state ? trainer_.state() : model_to_record(*trainer_.finish());
    if (trainer_.skipped() > 0) result.metadata["samples.skipped"] = std::to_string(trainer_.skipped());
    add_result_history(result, call_, {position_.history});
    return result;
  }

  /// The result is where it belongs.
  void finish() {
    checkpoint_.remove();
    if (!ranks().is_first()) return;
    progress_.finish(position_.samples, bytes_);
    if (trainer_.skipped() > 0)
      std::fprintf(stderr, "%s: left out %lld sample%s that %s not finite, first sample %s\n", call_.program.c_str(),
                   static_cast<long long>(trainer_.skipped()), trainer_.skipped() == 1 ? "" : "s",
                   trainer_.skipped() == 1 ? "is" : "are", position_.first_skipped.value_or("?").c_str());
  }

 private:
  /// Reads the samples as often as the kind wants it.
  void read_passes() {
    position_ = checkpoint_.resume(trainer_);
    progress_.begin_at(position_.samples);
    pass();
    checkpoint_.write(trainer_, position_);
    while (again_ && trainer_.again()) {
      position_.samples = 0;
      pass();
      checkpoint_.write(trainer_, position_);
    }
  }

  void pass() {
    ReadOptions how = read_options(call_);
    how.allow_nonfinite = skip_bad_;
    const RankInput input = open_rank_input(call_, how, call_.options.has("patch") ? 1 : kBlock);
    RecordReader& reader = *input.reader;
    if (input.total) {
      first_index_ += input.share.from;
      total_ = input.share.count();
    }
    // The last one of those counted is looked at, to recognise the input.
    read_ = position_.samples > 0 ? reader.pass_over(position_.samples - 1) : 0;
    while (auto record = next(reader)) learn(*record);
    if (read_ < position_.samples)
      throw DataError("the input has fewer samples than the checkpoint, " + std::to_string(read_) + " of " +
                      std::to_string(position_.samples));
    bytes_ += reader.bytes_read();
  }

  std::optional<Record> next(RecordReader& reader) {
    try {
      return reader.next();
    } catch (const Interrupted&) {  // a signal while waiting for input
      if (read_ >= position_.samples) checkpoint_.write(trainer_, position_);
      throw;
    }
  }

  /// The samples of a record that are not counted yet, a batch at a time.
  void learn(const Record& record) {
    const std::int64_t n = sample_count(record);
    if (read_ == 0 && position_.samples == 0) position_.history = record.meta("history");
    if (n == 0) check_record(record, true, first_index_ + read_);
    const std::int64_t counted = std::clamp<std::int64_t>(position_.samples - read_, 0, n);
    if (counted > 0 && read_ + counted == position_.samples)
      checkpoint_.check_last(sample_of(record, "data", counted - 1));
    const auto place = stream_position(record);
    for (std::int64_t first = counted; first < n;) {
      const std::int64_t count = std::min(batch_size(record), n - first);
      const Record batch = take_samples(record, first, count);
      learn_batch(batch);
      first += count;
      position_.samples += count;
      if (checkpoint_.wanted()) {
        position_.last = sample_of(batch, "data", count - 1);
        if (!trainer_.keeps_checkpoints())
          throw UsageError("kind " + call_.words.front() + " with these options keeps no checkpoints");
      }
      progress_.update(position_.samples, place ? place->count : total_);
      checkpoint_.pass(trainer_, position_);
    }
    read_ += n;
  }

  static std::int64_t batch_size(const Record& record) {
    if (!is_batch(record) || record.find("data") == nullptr) return 1;
    const auto bytes = static_cast<std::int64_t>(record.require("data").bytes()) / sample_count(record);
    return std::clamp<std::int64_t>(kBatchBytes / std::max<std::int64_t>(bytes, 1), 1, kBatch);
  }

  void learn_batch(const Record& batch) {
    const std::int64_t number = first_index_ + position_.samples, n = sample_count(batch);
    check_record(batch, skip_bad_, number, " (--skip-bad leaves such samples out)");
    const std::vector<bool> bad = skip_bad_ ? nonfinite_samples(batch) : std::vector<bool>();
    for (std::int64_t first = 0; first < n;) {
      const auto is_bad = [&](std::int64_t i) { return !bad.empty() && bad[static_cast<std::size_t>(i)]; };
      std::int64_t end = first + 1;
      while (end < n && is_bad(end) == is_bad(first)) ++end;
      if (is_bad(first)) {
        if (!position_.first_skipped) position_.first_skipped = sample_id(batch, first, number + first);
        for (std::int64_t i = first; i < end; ++i) trainer_.skip(number + i);
      } else {
        Record good = take_samples(batch, first, end - first);
        use_companion(good, call_.options.text("use"));
        trainer_.add(good, number + first);
      }
      first = end;
    }
  }

  const Invocation& call_;
  bool skip_bad_;
  std::int64_t first_index_;
  Trainer trainer_;
  Checkpoint checkpoint_;
  bool again_;
  Progress progress_;
  TrainPosition position_;
  std::int64_t read_ = 0;              // samples of the records before the one at hand
  std::optional<std::int64_t> total_;  // samples to read, where records do not say
  std::uint64_t bytes_ = 0;
};

}  // namespace

int train_on_samples(const Invocation& call) {
  TrainRun run(call);
  auto writer = ranks().is_first() ? open_result(call) : nullptr;
  // With others it is opened again when all have done their part: where one fails, all end, and half a file would stay.
  if (ranks().size() > 1) writer.reset();
  std::optional<ModelReport> report;
  if (ranks().is_first()) report.emplace(call);
  if (ranks().size() > 1) report.reset();
  std::optional<Record> result;
  run.read();
  const bool has_all = run.gather();
  stop_together([&] {
    if (!has_all) return;
    if (!writer) writer = open_result(call);
    result = run.result();
    writer->write(*result);
    writer->finish();
  });  // the result is there: checkpoints may go
  run.finish();
  if (!result) return 0;
  if (!report) report.emplace(call);
  report->write(*result);
  return 0;
}

}  // namespace noiseutils

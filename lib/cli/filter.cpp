#include "cli/filter.hpp"

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/progress.hpp"

namespace noiseutils {

ReadOptions read_options(const Invocation& call) {
  const OptionValues& values = call.options;
  ReadOptions options;
  options.axes = values.text("axes");
  if (values.has("bits")) options.bits = static_cast<int>(values.integer("bits"));
  options.raw = values.flag("raw");
  options.scale = values.maybe_number("scale");
  options.drop_alpha = values.flag("drop-alpha");
  options.stack_pages = values.flag("stack");
  options.max_header = static_cast<std::size_t>(values.integer("max-header"));
  options.allow_nonfinite = values.declared("allow-nonfinite") && values.flag("allow-nonfinite");
  if (options.raw && options.scale) throw UsageError("--raw and --scale exclude each other");
  return options;
}

WriteOptions write_options(const Invocation& call) {
  WriteOptions options;
  if (call.options.has("depth")) options.depth = static_cast<int>(parse_integer(call.options.text("depth")));
  options.resumable = call.options.declared("resume");
  options.resume = options.resumable && call.options.flag("resume");
  if (call.options.declared("first-index")) options.first_number = call.options.integer("first-index");
  return options;
}

HistoryStep history_step(const Invocation& call) {
  HistoryStep step;
  step.argv = {call.program};
  step.argv.insert(step.argv.end(), call.words.begin(), call.words.end());
  for (const std::string& word : call.options.history_words()) step.argv.push_back(word);
  if (call.options.declared("seed") && call.options.has("seed")) step.seed = call.options.seed();
  return step;
}

std::unique_ptr<RecordReader> open_input(const Invocation& call) {
  return open_records(call.files, read_options(call));
}

std::unique_ptr<RecordWriter> open_output(const Invocation& call) {
  return open_writer(call.options.text("output"), write_options(call));
}

void check_record(const Record& record, bool allow_nonfinite, std::int64_t first_sample, const std::string& remedy) {
  const auto refuse = [&](std::int64_t i, const std::string& why) {
    const std::string name = sample_id(record, i, first_sample + i), number = std::to_string(first_sample + i);
    throw DataError("sample " + name + (name == number ? "" : " (number " + number + ")") + ": " + why);
  };
  if (record.find("data") == nullptr) refuse(0, "no tensor \"data\"");
  if (record.require("data").size() == 0)
    refuse(0, "data has shape " + shape_text(record.require("data").shape()) + ": an axis of size 0");
  if (allow_nonfinite) return;
  const std::int64_t samples = sample_count(record);
  for (const auto& [name, tensor] : record.tensors)
    if (const std::int64_t element = first_nonfinite(tensor); element >= 0) {
      const bool of_samples = is_batch(record) && tensor.rank() > 0 && tensor.axis(0) == samples;
      const std::int64_t size = of_samples ? tensor.size() / samples : tensor.size();
      refuse(element / size,
             "tensor \"" + name + "\" is not finite at element " + std::to_string(element % size) + remedy);
    }
}

std::vector<bool> nonfinite_samples(const Record& record) {
  const std::int64_t samples = sample_count(record);
  std::vector<bool> bad(static_cast<std::size_t>(samples), false);
  for (const auto& [name, tensor] : record.tensors) {
    if (first_nonfinite(tensor) < 0) continue;
    const bool of_samples = is_batch(record) && tensor.rank() > 0 && tensor.axis(0) == samples;
    for (std::int64_t i = 0; i < samples; ++i)
      if (!of_samples || first_nonfinite(tensor.at(i)) >= 0) bad[static_cast<std::size_t>(i)] = true;
  }
  return bad;
}

void add_history(Record& record, const Invocation& call) {
  if (call.options.flag("no-history"))
    record.metadata.erase("history");
  else
    record.metadata["history"] = extended_history(record.meta("history"), history_step(call));
}

namespace {

/// What was computed from finite values must be finite too: no silent NaN.
void check_result(const Record& record, const Invocation& call) {
  const Tensor* data = record.find("data");
  if (data == nullptr || call.options.flag("allow-nonfinite")) return;
  if (const std::int64_t element = first_nonfinite(*data); element >= 0)
    throw DataError("sample " + record.meta("id") + ": the result is not finite at element " + std::to_string(element) +
                    ": the values are beyond what " + std::string(dtype_name(data->dtype())) + " can hold");
}

}  // namespace

int run_filter(const Invocation& call, const FilterWork& work) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  const auto next = [&] {
    try {
      return reader->next();
    } catch (const Interrupted&) {  // a signal while waiting for input: what is written stays to resume from
      writer->keep_partial();
      throw;
    }
  };
  Progress progress(call.title(), call.options.text("progress"));
  const std::int64_t first_index = call.options.declared("first-index") ? call.options.integer("first-index") : 0;
  const std::int64_t resumed = writer->samples_already_written();
  progress.begin_at(resumed);
  std::int64_t done = 0;
  while (auto record = next()) {
    const std::int64_t samples = sample_count(*record);
    const auto position = stream_position(*record);
    if (done < resumed) {
      done += samples;
      if (done > resumed) throw DataError("the input is not the one that the partial output was made from");
      continue;
    }
    check_record(*record, call.options.flag("allow-nonfinite"), first_index + done);
    LazyTensors lazy;
    with_context("sample " + sample_id(*record, 0, first_index + done),
                 [&] { work(*record, lazy, first_index + done); });
    check_result(*record, call);
    add_history(*record, call);
    writer->write(*record, lazy);
    done += samples;
    progress.update(done, position ? position->count : std::nullopt);
  }
  if (done < resumed) throw DataError("the input has fewer samples than the partial output");
  writer->finish();
  progress.finish(done, reader->bytes_read());
  return 0;
}

int run_source(const Invocation& call, std::int64_t count, const SourceWork& work, const SamplesAtHand& at_hand) {
  const auto writer = open_output(call);
  Progress progress(call.title(), call.options.text("progress"));
  const std::int64_t first_index = call.options.integer("first-index");
  const std::int64_t resumed = writer->samples_already_written();
  progress.begin_at(resumed);
  for (std::int64_t i = resumed; i < count; ++i) {
    Record record = [&] {
      try {
        return work(first_index + i);
      } catch (const Interrupted&) {
        writer->keep_partial();
        throw;
      }
    }();
    record.metadata["id"] = std::to_string(first_index + i);
    set_stream_position(record, {i, count, i + 1 == count});
    add_history(record, call);
    writer->hold_stops(at_hand && i + 1 < count && at_hand(first_index + i + 1));
    writer->write(record);
    progress.update(i + 1, count);
  }
  writer->finish();
  progress.finish(count, 0);
  return 0;
}

}  // namespace noiseutils

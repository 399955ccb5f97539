#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "cli/program.hpp"
#include "tensor/history.hpp"
#include "tensor/io_options.hpp"
#include "tensor/reader.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// What the standard options of a call say.
ReadOptions read_options(const Invocation& call);
WriteOptions write_options(const Invocation& call);
HistoryStep history_step(const Invocation& call);

/// The records of the call's FILEs.
std::unique_ptr<RecordReader> open_input(const Invocation& call);
/// The writer that -o asks for.
std::unique_ptr<RecordWriter> open_output(const Invocation& call);

/// Throws DataError unless `data` is there, has no zero-sized axis, and (without --allow-nonfinite) no tensor holds NaN
/// or infinity.
/// `remedy` ends the message about the latter: what the person may do.
void check_record(const Record& record, bool allow_nonfinite, std::int64_t first_sample,
                  const std::string& remedy = " (--allow-nonfinite takes it as it is)");

/// Which samples of a record hold NaN or infinity in any tensor; all of them where a tensor that they share does.
std::vector<bool> nonfinite_samples(const Record& record);

/// Appends the call to the record's history unless --no-history.
void add_history(Record& record, const Invocation& call);

/// Changes one record: tensors in place, or as lazy tensors that are computed while they are written.
/// `first_sample` is the global number of its first sample.
using FilterWork = std::function<void(Record& record, LazyTensors& lazy, std::int64_t first_sample)>;

/// The loop of every filter: reads a record, checks it, works on it, notes the history, writes and flushes it before
/// the next is read. stream.* is copied. Knows --resume, --progress and --first-index. Returns 0.
int run_filter(const Invocation& call, const FilterWork& work);

/// Makes sample number i (global, from --first-index on).
using SourceWork = std::function<Record(std::int64_t i)>;

/// Whether sample number i is made already, in one batch with those before it.
using SamplesAtHand = std::function<bool(std::int64_t i)>;

/// The loop of every program that makes `count` samples from nothing: one segment, indices from 0, the last marked. A
/// signal stops it once no further sample is at hand. Returns 0.
int run_source(const Invocation& call, std::int64_t count, const SourceWork& work, const SamplesAtHand& at_hand = {});

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tensor/reader.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// Samples first ... first+count-1 of a record; of a batch the same rows of every tensor and of listed metadata.
Record take_samples(const Record& record, std::int64_t first, std::int64_t count);

/// Samples first ... first+count-1 of everything read, as segments of their own (where the input has several, as many).
/// Reading stops after the last one. DataError if nothing is left.
void copy_slice(RecordReader& reader, RecordWriter& writer, std::int64_t first, std::int64_t count);

/// The last `count` samples, as one segment. Holds that many.
void copy_tail(RecordReader& reader, RecordWriter& writer, std::int64_t count);

/// All records as one segment, indices counted anew. `total`: its number of samples, where known.
void copy_restreamed(RecordReader& reader, RecordWriter& writer, std::optional<std::int64_t> total);

/// Samples in all `files` if every one is a regular file that holds a record stream, from their headers alone.
std::optional<std::int64_t> count_samples(const std::vector<std::string>& files, const ReadOptions& options);

/// Every sample as a record of its own, segments of `group` samples; `next_writer` opens one for each segment.
void copy_split(RecordReader& reader, std::int64_t group,
                const std::function<std::unique_ptr<RecordWriter>()>& next_writer);

/// Every `group` samples as one batch (0: all of them), a stream. Names, dtypes and axes must agree (DataError).
void copy_stacked(RecordReader& reader, RecordWriter& writer, std::int64_t group);

}  // namespace noiseutils

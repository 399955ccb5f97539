#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/io_options.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// A source of records: files of any format one after the other, or a stream on a pipe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  /// The next record; nullopt at a legal end. Throws DataError on anything damaged, truncated, or ended early.
  virtual std::optional<Record> next() = 0;
  /// Passes over up to `samples` of the next ones without decoding them, where that can be done; returns how many. What
  /// is left is for next() to read.
  virtual std::int64_t pass_over(std::int64_t samples) {
    static_cast<void>(samples);
    return 0;
  }
  /// Bytes of the input consumed so far, those of a file as soon as it is opened.
  virtual std::uint64_t bytes_read() const { return 0; }
};

/// Opens operands for reading: each FILE in turn, "-" (or an empty list) is standard input. Regular files, standard
/// input redirected from one included, are mapped; tensors are then views of file pages. All FILEs are checked at once,
/// before the first is read: InputError names one that is missing, unreadable, a directory. UsageError if standard
/// input is a terminal. Files that are not streams form one segment with index, count and last.
std::unique_ptr<RecordReader> open_records(const std::vector<std::string>& files, const ReadOptions& options);

}  // namespace noiseutils

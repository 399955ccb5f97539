#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tensor/io_options.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Takes bytes in order. Throws IoError; on a closed pipe the process dies by SIGPIPE.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// A tensor whose bytes are made while they are written, so that no program need hold what it computes.
/// `produce` is called once and writes exactly element_count(shape) elements in row-major order.
struct LazyTensor {
  DType dtype;
  Shape shape;
  std::function<void(ByteSink&)> produce;
};
using LazyTensors = std::map<std::string, LazyTensor, std::less<>>;

/// Where a program's records go.
class RecordWriter {
 public:
  virtual ~RecordWriter() = default;
  /// Writes the record and flushes it. A lazy tensor stands for the tensor of the same name.
  virtual void write(const Record& record, const LazyTensors& lazy = {}) = 0;
  /// The last act: everything is on its way to the disk or the pipe, FILE.partial has become FILE. Without it FILE does
  /// not appear.
  virtual void finish() = 0;
  /// With --resume: samples to pass over, those of the whole records in FILE.partial but the last: that one is made
  /// again, and write() refuses (DataError) where it does not come out the same, byte for byte.
  virtual std::int64_t samples_already_written() const { return 0; }
  /// Leaves FILE.partial in place whatever happens: there is something to resume from.
  virtual void keep_partial() {}
  /// While true a signal does not stop write(): what follows is made already, and would be made again.
  virtual void hold_stops(bool) {}
};

/// Opens `path` by its suffix; "" or "-" is standard output, always a stream (UsageError if that is a terminal).
///   .nst            the stream as it is          .safetensors  one record: batches and samples stacked along a leading
///   N .npy .tif       `data` of all samples        .png .jpg .pgm .ppm .pfm  one sample, or one file a sample with %d
///   in the path
/// Throws CreateError where the file cannot be made, UsageError for an unknown suffix.
std::unique_ptr<RecordWriter> open_writer(const std::string& path, const WriteOptions& options);

/// `path` with the number in the place of its one %d (or %3d, %03d); nullopt if there is none. UsageError for other
/// uses of % in the file's name.
std::optional<std::string> numbered_path(const std::string& path, std::int64_t number);

}  // namespace noiseutils

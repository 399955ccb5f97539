#include "tensor/stream_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/file_output.hpp"
#include "tensor/record_stream.hpp"
#include "tensor/safetensors.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kSpliceBytes = std::size_t{1} << 18;
constexpr int kPipeBytes = 1 << 20;

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Standard output; a pipe is widened and takes pages that are never written again without a copy.
class StdoutSink : public ByteSink {
 public:
  StdoutSink() {
    struct stat status {};
    is_pipe_ = fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode);
    if (is_pipe_) fcntl(STDOUT_FILENO, F_SETPIPE_SZ, kPipeBytes);
  }
  void write(std::span<const std::byte> bytes) override { write_all(STDOUT_FILENO, bytes, "standard output"); }

  /// vmsplice: 15 GB/s where write() reaches 4. Only for pages that no process writes later: a reader may itself splice
  /// or tee them onward, so there is no moment at which a buffer could be used again.
  void splice(std::span<const std::byte> pages) {
    while (is_pipe_ && !pages.empty()) {
      const iovec piece{const_cast<std::byte*>(pages.data()), std::min(pages.size(), kSpliceBytes)};
      const ssize_t moved = vmsplice(STDOUT_FILENO, &piece, 1, 0);
      if (moved >= 0) {
        pages = pages.subspan(static_cast<std::size_t>(moved));
      } else if (errno == EPIPE) {
        die_of_closed_pipe();
      } else if (errno != EINTR) {
        break;  // not a pipe that can: write the rest
      }
    }
    write(pages);
  }

 private:
  bool is_pipe_;
};

/// Counts what a lazy tensor produces against what it promised.
class CountingSink : public ByteSink {
 public:
  explicit CountingSink(ByteSink& target) : target_(target) {}
  void write(std::span<const std::byte> bytes) override {
    count_ += bytes.size();
    target_.write(bytes);
  }
  std::size_t count() const { return count_; }

 private:
  ByteSink& target_;
  std::size_t count_ = 0;
};

class StdoutWriter : public RecordWriter {
 public:
  void write(const Record& record, const LazyTensors& lazy) override {
    const RecordHeader header = header_of(record, lazy);
    sink_.write(bytes_of(format_record_header(header)));
    for (const TensorEntry& entry : header.tensors) {
      if (const auto found = lazy.find(entry.name); found != lazy.end()) {
        write_lazy(sink_, entry.name, found->second);
        continue;
      }
      const Tensor& tensor = record.require(entry.name);
      if (tensor.never_written() && tensor.bytes() >= kSpliceBytes)
        sink_.splice({tensor.raw(), tensor.bytes()});
      else
        sink_.write({tensor.raw(), tensor.bytes()});
    }
  }
  void finish() override {
    // A full disk or a lost server may speak up only now.
    if (::close(STDOUT_FILENO) != 0) throw IoError("standard output: write failed: " + errno_text(errno));
  }

 private:
  StdoutSink sink_;
};

/// Checks bytes against those that are there already, instead of writing them.
class CompareSink : public ByteSink {
 public:
  explicit CompareSink(std::span<const std::byte> expected) : expected_(expected) {}
  void write(std::span<const std::byte> bytes) override {
    const std::size_t n = std::min(bytes.size(), expected_.size() - at_);
    equal_ = equal_ && n == bytes.size() &&
             std::equal(bytes.begin(), bytes.end(), expected_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += n;
  }
  bool equal() const { return equal_ && at_ == expected_.size(); }

 private:
  std::span<const std::byte> expected_;
  std::size_t at_ = 0;
  bool equal_ = true;
};

class StreamFileWriter : public RecordWriter {
 public:
  StreamFileWriter(const std::string& path, const WriteOptions& options) : file_(path, options.resume) {
    if (options.resume) {
      file_.keep_partial();
      pass_whole_records();
    }
    if (options.resumable) defer_stop_signals();
  }
  void write(const Record& record, const LazyTensors& lazy) override {
    if (!last_.bytes.empty()) {
      confirm_last(record, lazy);
      return;
    }
    try {
      write_record(file_, record, lazy);
    } catch (const Interrupted&) {
      file_.keep_partial();
      throw;
    }
    if (stop_requested() && !held_) {
      file_.keep_partial();
      throw Interrupted("stopped by a signal; go on with --resume");
    }
  }
  void finish() override {
    if (!last_.bytes.empty()) {
      file_.keep_partial();
      throw DataError(file_.partial_path() + " has more samples than this command makes; remove it to start anew");
    }
    file_.commit();
  }
  void hold_stops(bool hold) override { held_ = hold; }
  std::int64_t samples_already_written() const override { return samples_; }
  void keep_partial() override { file_.keep_partial(); }

 private:
  /// Cuts FILE.partial after its last whole record, which is made again: if this run makes other bytes of it, it is
  /// another run.
  void pass_whole_records() {
    struct stat status {};
    if (fstat(file_.descriptor(), &status) != 0 || status.st_size == 0) return;
    std::uint64_t whole = 0, before_last = 0;
    std::int64_t last_samples = 0;
    {
      ByteInput input(file_.partial_path());
      RecordStream stream(input, kMaxHeader);
      try {
        while (const auto header = stream.next_header()) {
          stream.read_body(*header);
          last_samples = samples_of(*header);
          samples_ += last_samples;
          before_last = whole;
          whole = input.offset();
        }
      } catch (const DataError&) {  // the record that the interruption cut short
      }
    }
    if (ftruncate(file_.descriptor(), static_cast<off_t>(whole)) != 0 || lseek(file_.descriptor(), 0, SEEK_END) < 0)
      throw IoError(file_.partial_path() + ": " + errno_text(errno));
    if (whole == 0) return;
    ByteInput input(file_.partial_path());
    input.take(before_last);
    last_ = input.take_rest();
    samples_ -= last_samples;
  }

  void confirm_last(const Record& record, const LazyTensors& lazy) {
    CompareSink sink(last_.bytes);
    write_record(sink, record, lazy);
    if (!sink.equal())
      throw DataError(file_.partial_path() + " is of another command or input; remove it to start anew");
    last_ = {};
  }

  FileOutput file_;
  bool held_ = false;
  std::int64_t samples_ = 0;  // whole records of the partial file but the last
  Bytes last_;                // its last whole record, until it is confirmed
};

}  // namespace

RecordHeader header_of(const Record& record, const LazyTensors& lazy) {
  RecordHeader header;
  header.metadata = record.metadata;
  header.metadata.insert_or_assign("format", "noiseutils/1");
  for (const auto& [name, tensor] : record.tensors)
    if (!lazy.contains(name)) header.tensors.push_back({name, tensor.dtype(), tensor.shape()});
  for (const auto& [name, tensor] : lazy) header.tensors.push_back({name, tensor.dtype, tensor.shape});
  lay_out(header);
  return header;
}

void write_lazy(ByteSink& sink, const std::string& name, const LazyTensor& tensor) {
  CountingSink counted(sink);
  tensor.produce(counted);
  if (counted.count() != static_cast<std::size_t>(element_count(tensor.shape)) * dtype_size(tensor.dtype))
    throw InternalError("tensor \"" + name + "\" produced " + std::to_string(counted.count()) + " bytes");
}

void write_record(ByteSink& sink, const Record& record, const LazyTensors& lazy) {
  const RecordHeader header = header_of(record, lazy);
  sink.write(bytes_of(format_record_header(header)));
  for (const TensorEntry& entry : header.tensors) {
    if (const auto found = lazy.find(entry.name); found != lazy.end()) {
      write_lazy(sink, entry.name, found->second);
    } else {
      const Tensor& tensor = record.require(entry.name);
      sink.write({tensor.raw(), tensor.bytes()});
    }
  }
}

std::unique_ptr<RecordWriter> open_stdout_writer() {
  if (isatty(STDOUT_FILENO))
    throw UsageError("standard output is a terminal and the result is binary; use -o FILE, > FILE or a pipe");
  return std::make_unique<StdoutWriter>();
}

std::unique_ptr<RecordWriter> open_stream_file_writer(const std::string& path, const WriteOptions& options) {
  return std::make_unique<StreamFileWriter>(path, options);
}

}  // namespace noiseutils

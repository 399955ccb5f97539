#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

/// Collects what a lazy tensor produces: file formats want whole samples.
class MemorySink : public ByteSink {
 public:
  explicit MemorySink(Tensor& to) : left_(to.mutable_raw(), to.bytes()) {}
  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_.size()) throw InternalError("a lazy tensor made more than it promised");
    std::copy(bytes.begin(), bytes.end(), left_.begin());
    left_ = left_.subspan(bytes.size());
  }

 private:
  std::span<std::byte> left_;
};

}  // namespace

Record materialised(const Record& record, const LazyTensors& lazy) {
  Record whole = record;
  for (const auto& [name, tensor] : lazy) {
    Tensor made(tensor.dtype, tensor.shape);
    MemorySink sink(made);
    write_lazy(sink, name, tensor);
    whole.tensors.insert_or_assign(name, std::move(made));
  }
  return whole;
}

namespace {

/// The place of one %d, %3d or %03d in `path`; npos if there is none. UsageError for other uses of %.
std::size_t find_pattern(const std::string& path, std::size_t& length) {
  const std::size_t percent = path.find('%', path.rfind('/') + 1);
  if (percent == std::string::npos) return percent;
  const std::size_t end = path.find_first_not_of("0123456789", percent + 1);
  if (end == std::string::npos || path[end] != 'd' || end - percent > 3 || path.find('%', end) != std::string::npos)
    throw UsageError("-o " + path + ": the only use of % is one %d (or %03d) for the sample's number");
  length = end + 1 - percent;
  return percent;
}

}  // namespace

std::optional<std::string> numbered_path(const std::string& path, std::int64_t number) {
  std::size_t length = 0;
  const std::size_t at = find_pattern(path, length);
  if (at == std::string::npos) return std::nullopt;
  char digits[64];
  std::snprintf(digits, sizeof digits, (path.substr(at, length - 1) + "lld").c_str(), static_cast<long long>(number));
  return path.substr(0, at) + digits + path.substr(at + length);
}

namespace {

/// One file a sample, each a stream, record or image of its own.
class NumberedWriter : public RecordWriter {
 public:
  NumberedWriter(std::string path, const WriteOptions& options) : path_(std::move(path)), options_(options) {
    numbered_path(path_, 0);  // refuses a wrong pattern before any work
    options_.resumable = false;
  }

  void write(const Record& record, const LazyTensors& lazy) override {
    const Record whole = materialised(record, lazy);
    const SamplesOfRecord samples(whole);
    for (std::int64_t i = 0; i < samples.count(); ++i, ++samples_) {
      const auto writer = open_writer(*numbered_path(path_, options_.first_number + samples_), options_);
      Record sample = samples.at(i);
      if (stream_position(sample)) set_stream_position(sample, {0, 1, true});
      writer->write(sample);
      writer->finish();
    }
  }

  void finish() override {
    if (samples_ == 0) throw DataError(path_ + ": there is no sample to write");
  }

 private:
  std::string path_;
  WriteOptions options_;
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<RecordWriter> open_numbered_writer(const std::string& path, const WriteOptions& options) {
  return std::make_unique<NumberedWriter>(path, options);
}

}  // namespace noiseutils

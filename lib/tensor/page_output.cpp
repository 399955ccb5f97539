#include <cstdio>

#include "base/error.hpp"
#include "tensor/file_output.hpp"
#include "tensor/format.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

/// Collects what a lazy tensor produces: file formats want whole samples.
class MemorySink : public ByteSink {
 public:
  explicit MemorySink(std::byte* to) : to_(to) {}
  void write(std::span<const std::byte> bytes) override {
    std::copy(bytes.begin(), bytes.end(), to_);
    to_ += bytes.size();
  }

 private:
  std::byte* to_;
};

Record materialised(const Record& record, const LazyTensors& lazy) {
  Record whole = record;
  for (const auto& [name, tensor] : lazy) {
    Tensor made(tensor.dtype, tensor.shape);
    MemorySink sink(made.mutable_raw());
    tensor.produce(sink);
    whole.tensors.insert_or_assign(name, std::move(made));
  }
  return whole;
}

/// The place of one %d, %3d or %03d in `path`; npos if there is none. UsageError for other uses of %.
std::size_t find_pattern(const std::string& path, std::size_t& length) {
  const std::size_t percent = path.find('%');
  if (percent == std::string::npos) return percent;
  const std::size_t end = path.find_first_not_of("0123456789", percent + 1);
  if (end == std::string::npos || path[end] != 'd' || end - percent > 3 || path.find('%', end) != std::string::npos)
    throw UsageError("-o " + path + ": the only use of % is one %d (or %03d) for the sample's number");
  length = end + 1 - percent;
  return percent;
}

class PageOutput : public RecordWriter {
 public:
  PageOutput(const std::string& path, const FileFormat& format, const WriteOptions& options)
      : path_(path), format_(format), options_(options), pattern_(find_pattern(path, pattern_length_)) {
    if (pattern_ == std::string::npos) open(path_);
  }

  void write(const Record& record, const LazyTensors& lazy) override {
    const Record whole = lazy.empty() ? record : materialised(record, lazy);
    for (std::int64_t i = 0; i < sample_count(whole); ++i, ++samples_) {
      if (pattern_ != std::string::npos)
        open(numbered());
      else if (samples_ > 0 && !format_.many_pages)
        throw DataError(path_ + ": a " + format_.name +
                        " file holds one sample and there are more; put %d into the name");
      with_context(file_->path(), [&] { page_->add(sample_record(whole, i)); });
      if (pattern_ != std::string::npos) close();
    }
  }

  void finish() override {
    if (samples_ == 0) throw DataError(path_ + ": there is no sample to write");
    if (pattern_ == std::string::npos) close();
  }

 private:
  void open(const std::string& path) {
    file_ = std::make_unique<FileOutput>(path);
    page_ = format_.create(file_->descriptor(), options_);
  }
  void close() {
    with_context(file_->path(), [&] { page_->finish(); });
    page_.reset();
    file_->commit();
  }
  std::string numbered() const {
    char number[64];
    std::snprintf(number, sizeof number, (path_.substr(pattern_, pattern_length_ - 1) + "lld").c_str(),
                  static_cast<long long>(options_.first_number + samples_));
    return path_.substr(0, pattern_) + number + path_.substr(pattern_ + pattern_length_);
  }

  std::string path_;
  const FileFormat& format_;
  WriteOptions options_;
  std::size_t pattern_length_ = 0;
  std::size_t pattern_;
  std::unique_ptr<FileOutput> file_;  // outlives the page writer, which holds its descriptor
  std::unique_ptr<PageWriter> page_;
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<RecordWriter> open_page_writer(const std::string& path, const FileFormat& format,
                                               const WriteOptions& options) {
  return std::make_unique<PageOutput>(path, format, options);
}

}  // namespace noiseutils

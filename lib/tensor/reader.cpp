#include "tensor/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/error.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/format.hpp"
#include "tensor/record_stream.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kSniffBytes = 512;

enum class Content { stream, file, unknown };

struct Operand {
  std::string path;
  Content content = Content::unknown;  // of regular files; others are sniffed when their turn comes
  const FileFormat* format = nullptr;
};

/// Looks at an operand before anything is read, so that a typo in the last of 10,000 names costs nothing.
Operand inspect(const std::string& path) {
  Operand operand{path};
  if (path == "-") return operand;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw InputError(path + ": " + errno_text(errno));
  if (S_ISDIR(status.st_mode)) throw InputError(path + ": " + errno_text(EISDIR));
  if (!S_ISREG(status.st_mode)) return operand;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw InputError(path + ": " + errno_text(errno));
  std::array<std::byte, kSniffBytes> head;
  const ssize_t got = ::read(descriptor, head.data(), head.size());
  ::close(descriptor);
  if (got <= 0) return operand;
  const std::span<const std::byte> bytes(head.data(), static_cast<std::size_t>(got));
  operand.format = RecordStream::recognises(bytes) ? nullptr : format_of_content(bytes);
  operand.content = operand.format != nullptr ? Content::file : Content::stream;
  return operand;
}

class OperandReader : public RecordReader {
 public:
  OperandReader(std::vector<Operand> operands, ReadOptions options)
      : operands_(std::move(operands)), options_(std::move(options)) {}

  std::optional<Record> next() override {
    for (;;) {
      if (stream_) {
        if (auto record = next_of_stream()) return record;
        stream_.reset();
        bytes_before_ = bytes_read();
        input_.reset();
      } else if (pages_) {
        if (page_ < pages_->pages()) return next_page();
        pages_.reset();
      } else if (current_ < operands_.size()) {
        open(operands_[current_++]);
      } else {
        return std::nullopt;
      }
    }
  }

  /// Pages that are a sample each are counted, not decoded, and files of one page not even opened.
  std::int64_t pass_over(std::int64_t samples) override {
    std::int64_t passed = 0;
    while (passed < samples && !stream_) {
      if (pages_ && page_ == pages_->pages()) {
        pages_.reset();
      } else if (pages_) {
        if (pages_->samples() != pages_->pages() || options_.axes.starts_with('N')) break;
        ++page_;
        ++next_index_;
        ++passed;
        if (run_ends_here_ && page_ == pages_->pages()) in_run_ = false;
      } else if (current_ == operands_.size()) {
        break;
      } else if (is_one_page(operands_[current_])) {
        ++current_;
        begin_run();
        ++next_index_;
        ++passed;
        if (run_ends_here_) in_run_ = false;
      } else {
        open(operands_[current_++]);
      }
    }
    return passed;
  }

  std::uint64_t bytes_read() const override { return bytes_before_ + (input_ ? input_->offset() : 0); }

 private:
  void open(const Operand& operand) {
    bytes_before_ = bytes_read();
    input_.reset();
    input_ = std::make_unique<ByteInput>(operand.path);
    with_context(input_->name(), [&] {
      // A record on a pipe may be shorter than what other formats need, and the next come only after an answer to it.
      auto head = input_->peek(9);
      if (!RecordStream::recognises(head)) head = input_->peek(kSniffBytes);
      if (head.empty()) throw DataError("the input is empty");
      const FileFormat* format = RecordStream::recognises(head) ? nullptr : format_of_content(head);
      if (format == nullptr) {
        if (!RecordStream::recognises(head) && head.size() >= 9)
          throw DataError("is neither a record stream nor a file of a known format");
        stream_ = std::make_unique<RecordStream>(*input_, options_.max_header);
        return;
      }
      const Bytes all = input_->take_rest();
      pages_ = format->open({all.bytes, all.keeper, all.never_written}, options_);
      page_ = 0;
      begin_run();
    });
  }

  /// Consecutive files that are not streams form one segment, of as many samples as they hold.
  void begin_run() {
    const bool begins = !in_run_;
    in_run_ = true;
    run_ends_here_ = current_ == operands_.size() || operands_[current_].content != Content::file;
    if (!begins) return;
    next_index_ = 0;
    count_ = pages_ ? samples_in(*pages_) : 1;
    for (std::size_t i = current_; i < operands_.size() && operands_[i].content == Content::file; ++i) {
      const auto more = operands_[i].format->many_pages ? samples_in(*open_pages(operands_[i])) : 1;
      count_ = count_ && more ? std::optional(*count_ + *more) : std::nullopt;
    }
  }

  bool is_one_page(const Operand& operand) const {
    return operand.content == Content::file && !operand.format->many_pages && !options_.axes.starts_with('N');
  }

  std::unique_ptr<PageReader> open_pages(const Operand& operand) const {
    ByteInput input(operand.path);
    return with_context(input.name(), [&] {
      const Bytes all = input.take_rest();
      return operand.format->open({all.bytes, all.keeper, all.never_written}, options_);
    });
  }

  /// nullopt where --axes makes samples of what the format takes for parts of one.
  std::optional<std::int64_t> samples_in(const PageReader& pages) const {
    if (options_.axes.starts_with('N') && pages.samples() == pages.pages()) return std::nullopt;
    return pages.samples();
  }

  Record next_page() {
    return with_context(input_->name(), [&] {
      Record record = pages_->read(page_);
      if (!options_.axes.empty()) {
        check_axes(options_.axes, record.require("data").shape());
        record.metadata["axes"] = options_.axes;
      }
      if (!is_batch(record)) set_id(record);
      StreamPosition position{next_index_, count_, run_ends_here_ && page_ + 1 == pages_->pages()};
      set_stream_position(record, position);
      next_index_ += sample_count(record);
      if (position.last) in_run_ = false;
      ++page_;
      return record;
    });
  }

  void set_id(Record& record) const {
    if (input_->name() == "standard input") return;
    std::string id = std::filesystem::path(input_->name()).filename().string();
    if (pages_->pages() > 1) id += "#" + std::to_string(page_);
    record.metadata["id"] = id;
  }

  std::optional<Record> next_of_stream() {
    return with_context(input_->name(), [&]() -> std::optional<Record> {
      const auto header = stream_->next_header();
      if (!header) return std::nullopt;
      Record record = stream_->read_body(*header);
      if (!options_.axes.empty()) {
        check_axes(options_.axes, record.require("data").shape());
        record.metadata["axes"] = options_.axes;
      }
      if (options_.scale) scale(record);
      return record;
    });
  }

  void scale(Record& record) const {
    Tensor& data = record.require("data");
    data = data.converted(data.dtype() == DType::F64 ? DType::F64 : DType::F32);
    const double factor = *options_.scale;
    if (data.dtype() == DType::F64)
      for (double& value : data.mutable_values<double>()) value *= factor;
    else
      for (float& value : data.mutable_values<float>()) value = static_cast<float>(value * factor);
  }

  std::vector<Operand> operands_;
  ReadOptions options_;
  std::size_t current_ = 0;
  std::unique_ptr<ByteInput> input_;
  std::uint64_t bytes_before_ = 0;  // of the inputs that are read
  std::unique_ptr<RecordStream> stream_;
  std::unique_ptr<PageReader> pages_;
  std::int64_t page_ = 0;
  bool in_run_ = false;         // inside a segment made of files
  bool run_ends_here_ = false;  // the file being read is the last of it
  std::int64_t next_index_ = 0;
  std::optional<std::int64_t> count_;
};

}  // namespace

std::unique_ptr<RecordReader> open_records(const std::vector<std::string>& files, const ReadOptions& options) {
  std::vector<Operand> operands;
  for (const std::string& path : files) operands.push_back(inspect(path));
  if (operands.empty()) operands.push_back(inspect("-"));
  if (operands.size() == 1 && operands[0].path == "-" && isatty(STDIN_FILENO))
    throw UsageError("standard input is a terminal; give a FILE or pipe a stream in");
  return std::make_unique<OperandReader>(std::move(operands), options);
}

}  // namespace noiseutils

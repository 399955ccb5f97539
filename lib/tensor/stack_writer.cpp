#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tensor/file_output.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

/// A nameless file beside the output that takes the bytes of one tensor of every sample: in the record they must stand
/// together, and how many there will be is known only at the end.
class Spool : public ByteSink {
 public:
  explicit Spool(const std::string& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor_ < 0) throw CreateError(path + ": " + errno_text(errno));
    ::unlink(path.c_str());
  }
  ~Spool() override { ::close(descriptor_); }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void write(std::span<const std::byte> bytes) override {
    write_all(descriptor_, bytes, path_);
    size_ += bytes.size();
  }
  void copy_to(FileOutput& file) const {
    loff_t from = 0;
    while (static_cast<std::uint64_t>(from) < size_) {
      const ssize_t moved =
          copy_file_range(descriptor_, &from, file.descriptor(), nullptr, size_ - static_cast<std::uint64_t>(from), 0);
      if (moved > 0) continue;
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT))
        throw IoError(file.path() + ": write failed: " + errno_text(errno));
      copy_by_hand(file, from);
      return;
    }
  }

 private:
  void copy_by_hand(FileOutput& file, loff_t from) const {
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    while (static_cast<std::uint64_t>(from) < size_) {
      const ssize_t got = pread(descriptor_, buffer.data(), buffer.size(), from);
      if (got <= 0) throw IoError(path_ + ": read failed: " + errno_text(errno));
      file.write({buffer.data(), static_cast<std::size_t>(got)});
      from += got;
    }
  }
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

struct Stacked {
  DType dtype;
  Shape shape;  // of one sample
  std::unique_ptr<Spool> spool;
};

class StackWriter : public RecordWriter {
 public:
  explicit StackWriter(const std::string& path) : file_(path) {}

  void write(const Record& record, const LazyTensors& lazy) override {
    const RecordHeader header = header_of(record, lazy);
    const bool batch = lazy.contains("data") ? record.meta("axes").starts_with('N') : is_batch(record);
    const std::int64_t samples = samples_of(header, batch);
    const std::string who = "sample " + std::to_string(samples_);
    with_context(who, [&] { check(header, batch); });
    for (const TensorEntry& entry : header.tensors) {
      Spool& spool = *stacks_.at(entry.name).spool;
      if (const auto found = lazy.find(entry.name); found != lazy.end()) {
        write_lazy(spool, entry.name, found->second);
      } else {
        const Tensor& tensor = record.require(entry.name);
        spool.write({tensor.raw(), tensor.bytes()});
      }
    }
    take_metadata(header.metadata, samples);
    foreign_ = foreign_ || !stream_position(record);
    batched_ = batched_ || batch || records_ > 0;
    samples_ += samples;
    ++records_;
  }

  void finish() override {
    if (records_ == 0) throw DataError("there is no sample to write");
    RecordHeader header;
    for (auto& [key, values] : metadata_) header.metadata[key] = joined(values);
    const std::string axes = sample_axes_.empty() ? "" : sample_axes_;
    header.metadata["axes"] = batched_ ? "N" + axes : axes;
    if (axes.empty() && !batched_) header.metadata.erase("axes");
    Record position_only;
    position_only.metadata = std::move(header.metadata);
    clear_stream_position(position_only);
    if (!foreign_) set_stream_position(position_only, {0, samples_, true});
    header.metadata = std::move(position_only.metadata);
    for (const auto& [name, stack] : stacks_) {
      Shape shape = stack.shape;
      if (batched_) shape.insert(shape.begin(), samples_);
      header.tensors.push_back({name, stack.dtype, shape});
    }
    lay_out(header);
    const std::string head = format_record_header(header);
    file_.write({reinterpret_cast<const std::byte*>(head.data()), head.size()});
    for (const TensorEntry& entry : header.tensors) stacks_.at(entry.name).spool->copy_to(file_);
    file_.commit();
  }

 private:
  static std::int64_t samples_of(const RecordHeader& header, bool batch) {
    if (!batch) return 1;
    for (const TensorEntry& entry : header.tensors)
      if (entry.name == "data") return entry.shape.front();
    return 1;
  }

  static Shape sample_shape_of(const TensorEntry& entry, bool batch) {
    Shape shape = entry.shape;
    if (batch && !shape.empty()) shape.erase(shape.begin());
    return shape;
  }

  /// Names, dtypes and the axes of a sample must be those of the first record.
  void check(const RecordHeader& header, bool batch) {
    const auto found = header.metadata.find("axes");
    std::string axes = found != header.metadata.end() ? found->second : "";
    for (const TensorEntry& entry : header.tensors)
      if (axes.empty() && entry.name == "data") axes = default_axes(entry.shape.size());
    if (batch) axes.erase(0, 1);
    if (records_ == 0) {
      sample_axes_ = axes;
      for (const TensorEntry& entry : header.tensors)
        stacks_.emplace(entry.name,
                        Stacked{entry.dtype, sample_shape_of(entry, batch),
                                std::make_unique<Spool>(file_.path() + ".partial." + std::to_string(stacks_.size()))});
      return;
    }
    if (axes != sample_axes_)
      throw DataError("has axes \"" + axes + "\", the samples before have \"" + sample_axes_ + "\"");
    for (const TensorEntry& entry : header.tensors) {
      const auto known = stacks_.find(entry.name);
      if (known == stacks_.end())
        throw DataError("has a tensor \"" + entry.name + "\" that the samples before have not");
      const Shape shape = sample_shape_of(entry, batch);
      if (shape != known->second.shape || entry.dtype != known->second.dtype)
        throw DataError("tensor \"" + entry.name + "\" is " + std::string(dtype_name(entry.dtype)) + shape_text(shape) +
                        ", the samples before have " + std::string(dtype_name(known->second.dtype)) +
                        shape_text(known->second.shape));
    }
    if (header.tensors.size() != stacks_.size()) throw DataError("lacks a tensor that the samples before have");
  }

  /// One value a sample; a batch that already lists one a sample is spread out.
  void take_metadata(const Metadata& metadata, std::int64_t samples) {
    for (const auto& [key, value] : metadata)
      metadata_.try_emplace(key, std::vector<std::string>(static_cast<std::size_t>(samples_)));
    for (auto& [key, values] : metadata_) {
      const auto found = metadata.find(key);
      const MetadataOfSamples own(found == metadata.end() ? "" : found->second, samples);
      for (std::int64_t i = 0; i < samples; ++i) values.push_back(own.at(i));
    }
  }

  /// The common value, or a JSON list of strings.
  static std::string joined(const std::vector<std::string>& values) {
    for (const auto& value : values)
      if (value != values.front()) return json_text(values);
    return values.front();
  }

  FileOutput file_;
  std::map<std::string, Stacked> stacks_;
  std::map<std::string, std::vector<std::string>> metadata_;
  std::string sample_axes_;
  std::int64_t samples_ = 0, records_ = 0;
  bool foreign_ = false, batched_ = false;
};

}  // namespace

std::unique_ptr<RecordWriter> open_stack_writer(const std::string& path) { return std::make_unique<StackWriter>(path); }

}  // namespace noiseutils

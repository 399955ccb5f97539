#include "tensor/record_bytes.hpp"

#include <cstring>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

class MemorySink : public ByteSink {
 public:
  explicit MemorySink(std::size_t bytes) { all_.reserve(bytes); }
  void write(std::span<const std::byte> bytes) override { all_.insert(all_.end(), bytes.begin(), bytes.end()); }
  std::vector<std::byte> take() { return std::move(all_); }

 private:
  std::vector<std::byte> all_;
};

}  // namespace

std::vector<std::byte> record_bytes(const Record& record) {
  const RecordHeader header = header_of(record, {});
  MemorySink sink(header.data_bytes + format_record_header(header).size());
  write_record(sink, record, {});
  return sink.take();
}

Record record_from_bytes(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(std::uint64_t)) throw DataError("the record ends inside its length");
  const auto length = load_little<std::uint64_t>(bytes.data());
  if (length > bytes.size() - sizeof(length)) throw DataError("the record ends inside its header");
  const RecordHeader header =
      parse_record_header({reinterpret_cast<const char*>(bytes.data()) + sizeof(length), length});
  const auto data = bytes.subspan(sizeof(length) + length);
  if (data.size() != header.data_bytes) throw DataError("the record has another size than its header says");
  Record record;
  record.metadata = header.metadata;
  for (const TensorEntry& entry : header.tensors) {
    Tensor tensor(entry.dtype, entry.shape);
    if (tensor.bytes() != 0) std::memcpy(tensor.mutable_raw(), data.data() + entry.begin, tensor.bytes());
    record.tensors.emplace(entry.name, std::move(tensor));
  }
  return record;
}

}  // namespace noiseutils

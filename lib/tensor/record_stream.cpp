#include "tensor/record_stream.hpp"

#include <cstring>

#include "base/error.hpp"

namespace noiseutils {
namespace {

std::uint64_t length_word(std::span<const std::byte> head) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::uint64_t{std::to_integer<std::uint8_t>(head[i])} << (8 * i);
  return length;
}

/// What the header alone says of the record: enough for the rules of the stream, without the data.
Record outline_of(const RecordHeader& header) {
  Record outline;
  outline.metadata = header.metadata;
  for (const TensorEntry& entry : header.tensors)
    outline.tensors.emplace(entry.name, Tensor::view(entry.dtype, entry.shape, nullptr, nullptr, false));
  return outline;
}

}  // namespace

std::int64_t samples_of(const RecordHeader& header) { return sample_count(outline_of(header)); }

bool RecordStream::recognises(std::span<const std::byte> head) {
  return head.size() >= 9 && head[8] == std::byte{'{'} && length_word(head) < std::uint64_t{1} << 48;
}

std::optional<RecordHeader> RecordStream::next_header() {
  const auto word = input_.peek(8);
  if (word.empty()) {
    if (records_ == 0) throw DataError("the input is empty");
    if (in_segment_) ended_early();
    return std::nullopt;
  }
  return with_context("record " + std::to_string(records_), [&]() -> std::optional<RecordHeader> {
    if (word.size() < 8) throw DataError("the input ends inside a record's length");
    const std::uint64_t length = length_word(word);
    if (length > kMaxHeader)
      throw DataError("the header claims " + std::to_string(length) + " bytes; this is no record");
    if (length > max_header_)
      throw DataError("the header has " + std::to_string(length) + " bytes, more than --max-header " +
                      std::to_string(max_header_));
    input_.take(8);
    const Bytes json = input_.take(length);
    if (json.bytes.size() < length) throw DataError("the input ends inside the header");
    RecordHeader header = parse_record_header({reinterpret_cast<const char*>(json.bytes.data()), json.bytes.size()});
    if (header.data_bytes > input_.remaining()) truncated(header);
    follow(outline_of(header));
    ++records_;
    return header;
  });
}

Record RecordStream::read_body(const RecordHeader& header) {
  Record record;
  record.metadata = header.metadata;
  const Bytes data = input_.take(header.data_bytes);
  if (data.bytes.size() < header.data_bytes) truncated(header);
  for (const TensorEntry& entry : header.tensors) {
    const std::byte* begin = data.bytes.data() + entry.begin;
    // Records of other programs may leave tensors unaligned: such elements are copied, the others viewed in place.
    if (reinterpret_cast<std::uintptr_t>(begin) % dtype_size(entry.dtype) == 0) {
      record.tensors.emplace(entry.name,
                             Tensor::view(entry.dtype, entry.shape, data.keeper, begin, data.never_written));
    } else {
      Tensor copy(entry.dtype, entry.shape);
      if (copy.bytes() != 0) std::memcpy(copy.mutable_raw(), begin, copy.bytes());
      record.tensors.emplace(entry.name, std::move(copy));
    }
  }
  return record;
}

void RecordStream::follow(const Record& outline) {
  if (const std::string format = outline.meta("format"); format.starts_with("noiseutils/") && format != "noiseutils/1")
    throw DataError("is of format \"" + format + "\"; this program reads noiseutils/1");
  if (const Tensor* data = outline.find("data"); data != nullptr && data->size() == 0)
    throw DataError("data has shape " + shape_text(data->shape()) + ": an axis of size 0");
  const auto position = stream_position(outline);
  if (!position) {
    if (in_segment_) ended_early();
    return;
  }
  if (!in_segment_) {
    next_index_ = 0;
    count_ = position->count;
    in_segment_ = true;
  }
  if (position->index != next_index_)
    throw DataError("stream.index is " + std::to_string(position->index) + ", expected " + std::to_string(next_index_) +
                    (position->index > next_index_ ? ": records are missing" : ": the stream before it ended early"));
  if (position->count != count_) throw DataError("stream.count differs from the record before");
  next_index_ += sample_count(outline);
  if (position->last) {
    if (count_ && *count_ != next_index_)
      throw DataError("the stream has " + std::to_string(next_index_) + " samples, stream.count promised " +
                      std::to_string(*count_));
    in_segment_ = false;
  }
}

void RecordStream::ended_early() const {
  throw DataError("stream ended early after record " + std::to_string(records_ - 1) +
                  ": the program upstream did not finish");
}

void RecordStream::truncated(const RecordHeader& header) const {
  throw DataError("the input ends inside a record whose header claims " + std::to_string(header.data_bytes) +
                  " bytes of data");
}

}  // namespace noiseutils

#pragma once

#include <cstddef>
#include <optional>

#include "tensor/byte_input.hpp"
#include "tensor/record.hpp"
#include "tensor/safetensors.hpp"

namespace noiseutils {

/// Samples in the record that a header describes, without its data.
std::int64_t samples_of(const RecordHeader& header);

/// Reads records back to back from one input and holds the stream to its rules: records whole, indices without a gap,
/// an end only after a record marked last or a foreign one. Every error is a DataError that names the record.
class RecordStream {
 public:
  RecordStream(ByteInput& input, std::size_t max_header) : input_(input), max_header_(max_header) {}

  /// True if the bytes ahead can be the start of a record (a length word and an opening brace).
  static bool recognises(std::span<const std::byte> head);

  /// The next record's header; nullopt at a legal end.
  std::optional<RecordHeader> next_header();
  /// The tensors that follow the header just read.
  Record read_body(const RecordHeader& header);
  /// The same, but passing the bytes of each tensor to visit(entry, piece), in pieces of whole elements, and keeping
  /// nothing.
  template <class Visit>
  void visit_body(const RecordHeader& header, Visit&& visit);

  std::int64_t records() const { return records_; }  ///< read so far

 private:
  void follow(const Record& outline);
  [[noreturn]] void ended_early() const;
  [[noreturn]] void truncated(const RecordHeader& header) const;

  ByteInput& input_;
  std::size_t max_header_;
  std::int64_t records_ = 0;
  bool in_segment_ = false;            // inside a segment that has not seen its last record
  std::int64_t next_index_ = 0;        // the index that the segment's next record must have
  std::optional<std::int64_t> count_;  // the segment's count, where known
};

template <class Visit>
void RecordStream::visit_body(const RecordHeader& header, Visit&& visit) {
  for (const TensorEntry& entry : header.tensors) {
    const auto size = entry.end - entry.begin;
    if (input_.visit(size, [&](std::span<const std::byte> piece) { visit(entry, piece); }) != size) truncated(header);
  }
}

}  // namespace noiseutils

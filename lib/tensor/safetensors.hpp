#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

constexpr std::size_t kMaxHeader = 100'000'000;  ///< of the safetensors format itself
constexpr std::size_t kHeaderAlignment = 64;     ///< 8 + N is a multiple of this in what we write

/// One tensor as a header describes it; offsets count from the end of the header.
struct TensorEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct RecordHeader {
  std::vector<TensorEntry> tensors;  ///< in the order of their bytes
  Metadata metadata;
  std::uint64_t data_bytes = 0;
};

/// Parses the JSON of a record header (without the length), strictly: an object of tensors and `__metadata__` (strings
/// only), no duplicate keys, nothing unknown, offsets that tile the data exactly and agree with dtype and shape. Throws
/// DataError that says what is wrong.
RecordHeader parse_record_header(std::string_view json);

/// The canonical order of tensors on the wire: falling element size, then name. Fills begin, end and data_bytes.
void lay_out(RecordHeader& header);

/// Length word, compact JSON with sorted metadata, padded with spaces to kHeaderAlignment. DataError above kMaxHeader.
std::string format_record_header(const RecordHeader& header);

}  // namespace noiseutils

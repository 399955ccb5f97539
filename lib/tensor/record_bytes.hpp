#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// The record in its canonical form on the wire, in memory.
std::vector<std::byte> record_bytes(const Record& record);
/// What record_bytes() made; the tensors are copies. Throws DataError if the bytes are no whole record.
Record record_from_bytes(std::span<const std::byte> bytes);

}  // namespace noiseutils

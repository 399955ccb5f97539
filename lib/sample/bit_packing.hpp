#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// Whole numbers >= 0 written one after the other, the leading bit first, number j with widths[j % widths.size()] bits;
/// the last byte is filled with zeros, and there is one where there is nothing to write.
std::vector<std::uint8_t> pack_bits(std::span<const std::int64_t> numbers, std::span<const int> widths);

/// The bytes that `count` numbers take.
std::int64_t packed_bytes(std::int64_t count, std::span<const int> widths);

/// The numbers again; `bytes` has packed_bytes() of them.
std::vector<std::int64_t> unpack_bits(std::span<const std::uint8_t> bytes, std::int64_t count,
                                      std::span<const int> widths);

}  // namespace noiseutils

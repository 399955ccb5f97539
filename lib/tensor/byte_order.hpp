#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace noiseutils {

inline constexpr bool kLittleEndian = std::endian::native == std::endian::little;

/// Reads an unsigned or signed number at `bytes`, of any alignment, stored in the byte order named.
template <class Number, bool kLittle>
Number load(const std::byte* bytes) {
  std::byte copy[sizeof(Number)];
  std::memcpy(copy, bytes, sizeof copy);
  if constexpr (kLittle != kLittleEndian) std::reverse(copy, copy + sizeof copy);
  return std::bit_cast<Number>(copy);
}
template <class Number>
Number load_little(const std::byte* bytes) {
  return load<Number, true>(bytes);
}
template <class Number>
Number load_big(const std::byte* bytes) {
  return load<Number, false>(bytes);
}

/// Copies `count` elements of `size` bytes (1, 2, 4, 8), each with its bytes reversed.
void copy_swapped(const std::byte* from, std::byte* to, std::size_t count, std::size_t size);

/// True if `bytes` begin with `text`.
inline bool starts_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace noiseutils

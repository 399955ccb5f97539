#include "tensor/byte_order.hpp"

namespace noiseutils {
namespace {

template <class Word>
void swap_all(const std::byte* from, std::byte* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Word word;
    std::memcpy(&word, from + i * sizeof word, sizeof word);
    if constexpr (sizeof word == 2) word = static_cast<Word>(__builtin_bswap16(word));
    if constexpr (sizeof word == 4) word = __builtin_bswap32(word);
    if constexpr (sizeof word == 8) word = __builtin_bswap64(word);
    std::memcpy(to + i * sizeof word, &word, sizeof word);
  }
}

}  // namespace

void copy_swapped(const std::byte* from, std::byte* to, std::size_t count, std::size_t size) {
  switch (size) {
    case 2:
      return swap_all<std::uint16_t>(from, to, count);
    case 4:
      return swap_all<std::uint32_t>(from, to, count);
    case 8:
      return swap_all<std::uint64_t>(from, to, count);
    default:
      std::memcpy(to, from, count * size);
  }
}

}  // namespace noiseutils

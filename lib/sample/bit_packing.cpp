#include "sample/bit_packing.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace noiseutils {

std::int64_t packed_bytes(std::int64_t count, std::span<const int> widths) {
  std::int64_t bits = 0;
  const auto cycle = static_cast<std::int64_t>(widths.size());
  for (std::int64_t j = 0; j < cycle; ++j)
    bits += widths[static_cast<std::size_t>(j)] * ((count + cycle - 1 - j) / cycle);
  return std::max<std::int64_t>(1, (bits + 7) / 8);
}

std::vector<std::uint8_t> pack_bits(std::span<const std::int64_t> numbers, std::span<const int> widths) {
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(packed_bytes(static_cast<std::int64_t>(numbers.size()), widths)), 0);
  std::size_t at = 0;
  for (std::size_t j = 0; j < numbers.size(); ++j) {
    const int width = widths[j % widths.size()];
    if (numbers[j] < 0 || numbers[j] >> width != 0) throw InternalError("a number is too large for its bits");
    for (int bit = width - 1; bit >= 0; --bit, ++at)
      if ((numbers[j] >> bit & 1) != 0) bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] | 0x80U >> at % 8);
  }
  return bytes;
}

std::vector<std::int64_t> unpack_bits(std::span<const std::uint8_t> bytes, std::int64_t count,
                                      std::span<const int> widths) {
  if (static_cast<std::int64_t>(bytes.size()) != packed_bytes(count, widths))
    throw InternalError("packed numbers of another length");
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count), 0);
  std::size_t at = 0;
  for (std::size_t j = 0; j < numbers.size(); ++j)
    for (int bit = widths[j % widths.size()] - 1; bit >= 0; --bit, ++at)
      if ((bytes[at / 8] & 0x80U >> at % 8) != 0) numbers[j] |= std::int64_t{1} << bit;
  return numbers;
}

}  // namespace noiseutils

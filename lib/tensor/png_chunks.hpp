#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace noiseutils {

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

/// What a PNG file says beside its pixels.
struct PngChunks {
  std::int64_t width = 0, height = 0;
  int depth = 0;
  int colour = 0;  ///< bits: 1 palette, 2 colour, 4 alpha
  bool interlaced = false;
  bool transparent = false;           ///< a tRNS chunk
  bool srgb = false;                  ///< says that it is sRGB
  bool linear = false;                ///< says that its gamma is another
  std::span<const std::byte> header;  ///< the IHDR chunk
  std::vector<std::array<std::uint8_t, 3>> palette;
  std::vector<std::span<const std::byte>> data;  ///< whole IDAT chunks
  std::size_t data_bytes = 0;

  std::int64_t channels() const { return (colour & 2 && colour != 3 ? 3 : 1) + (colour & 4 ? 1 : 0); }
};

/// Walks all chunks: order, lengths, checksums, IEND, nothing after it. Throws DataError where anything is wrong, and
/// where the pixels claimed are more than the compressed data can hold.
/// Source: ISO/IEC 15948, clauses 5 and 11.
PngChunks parse_png(std::span<const std::byte> file);

}  // namespace noiseutils

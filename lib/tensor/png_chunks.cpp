#include "tensor/png_chunks.hpp"

#include <string>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {
namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}();

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xffffffffU;
  for (const std::byte byte : bytes) c = kCrcTable[(c ^ std::to_integer<std::uint32_t>(byte)) & 0xff] ^ (c >> 8);
  return ~c;
}

[[noreturn]] void damaged(const std::string& what) { throw DataError("damaged PNG: " + what); }

void parse_ihdr(PngChunks& png, std::span<const std::byte> body) {
  if (body.size() != 13) damaged("IHDR has not 13 bytes");
  png.width = load_big<std::uint32_t>(&body[0]);
  png.height = load_big<std::uint32_t>(&body[4]);
  png.depth = std::to_integer<int>(body[8]);
  png.colour = std::to_integer<int>(body[9]);
  png.interlaced = body[12] == std::byte{1};
  check_image_size(png.width, png.height);
  const bool small = png.depth == 1 || png.depth == 2 || png.depth == 4;
  const bool legal = png.colour == 0   ? small || png.depth == 8 || png.depth == 16
                     : png.colour == 3 ? small || png.depth == 8
                                       : (png.colour == 2 || png.colour == 4 || png.colour == 6) &&
                                             (png.depth == 8 || png.depth == 16);
  if (!legal || body[10] != std::byte{0} || body[11] != std::byte{0} || body[12] > std::byte{1})
    damaged("IHDR has an unknown kind of pixels or compression");
}

void parse_plte(PngChunks& png, std::span<const std::byte> body) {
  if (!png.palette.empty() || !png.data.empty()) damaged("PLTE out of place");
  if (body.empty() || body.size() % 3 != 0 || body.size() > 768) damaged("PLTE of impossible length");
  for (std::size_t i = 0; i < body.size(); i += 3)
    png.palette.push_back({std::to_integer<std::uint8_t>(body[i]), std::to_integer<std::uint8_t>(body[i + 1]),
                           std::to_integer<std::uint8_t>(body[i + 2])});
}

void check_size(const PngChunks& png) {
  // Deflate makes at most 1032 bytes of one.
  const std::int64_t row = (png.width * png.depth * png.channels() + 7) / 8 + 1;
  const auto possible = static_cast<std::int64_t>(png.data_bytes) * 1032;
  if (possible / row < png.height)
    damaged(std::to_string(png.width) + " x " + std::to_string(png.height) + " pixels cannot come from " +
            std::to_string(png.data_bytes) + " bytes");
}

}  // namespace

PngChunks parse_png(std::span<const std::byte> file) {
  PngChunks png;
  std::size_t at = kPngSignature.size();
  bool data_ended = false;
  for (std::string_view type; type != "IEND";) {
    if (file.size() < at || file.size() - at < 12) damaged("the file ends early");
    const std::size_t length = load_big<std::uint32_t>(&file[at]);
    if (length > file.size() - at - 12) damaged("the file ends early");
    const auto chunk = file.subspan(at, length + 12);
    const auto body = chunk.subspan(8, length);
    type = {reinterpret_cast<const char*>(chunk.data()) + 4, 4};
    for (const char c : type)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) damaged("a chunk has no name");
    if (crc_of(chunk.subspan(4, length + 4)) != load_big<std::uint32_t>(&chunk[length + 8]))
      damaged("the checksum of " + std::string(type) + " is wrong");
    if (png.header.empty() != (type == "IHDR")) damaged("IHDR is not the first chunk");
    if (type == "IDAT") {
      if (data_ended) damaged("IDAT chunks are apart");
      png.data.push_back(chunk);
      png.data_bytes += length;
    } else {
      data_ended = !png.data.empty();
    }
    if (type == "IHDR") {
      parse_ihdr(png, body);
      png.header = chunk;
    } else if (type == "PLTE") {
      parse_plte(png, body);
    } else if (type == "tRNS") {
      png.transparent = true;
    } else if (type == "acTL") {
      throw DataError("animated PNG is not supported");
    } else if (type == "sRGB") {
      png.srgb = true;
    } else if (type == "gAMA" && length == 4) {
      const auto gamma = load_big<std::uint32_t>(&body[0]);
      png.srgb = png.srgb || gamma == 45455;
      png.linear = gamma != 45455;
    } else if (type != "IDAT" && type != "IEND" && (type[0] & 0x20) == 0) {
      throw DataError("PNG chunk " + std::string(type) + " is not supported");
    }
    at += chunk.size();
  }
  if (at != file.size()) damaged("something follows its end");
  if (png.data.empty()) damaged("no IDAT");
  if (png.colour == 3 && png.palette.empty()) damaged("no PLTE");
  check_size(png);
  return png;
}

}  // namespace noiseutils

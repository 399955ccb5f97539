#include <algorithm>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/single_image.hpp"
#include "tensor/stb_decode.hpp"

namespace noiseutils {
namespace {

/// stb reads a BMP beyond its end as zeros and palettes beyond theirs as what lies there: both are checked here.
struct BmpHeader {
  std::int64_t width, height;
  int bits;  ///< a pixel
  std::size_t data_offset, row_bytes;
  std::size_t palette_entries;
  bool grey_palette;
};

[[noreturn]] void damaged(const std::string& what) { throw DataError("damaged BMP: " + what); }

void parse_palette(BmpHeader& bmp, std::span<const std::byte> file, std::size_t info_size) {
  const std::size_t entry = info_size == 12 ? 3 : 4;
  const std::size_t begin = 14 + info_size;
  if (bmp.data_offset < begin) damaged("the pixels overlap the header");
  // stb takes all that lies between header and pixels for the palette.
  bmp.palette_entries = (bmp.data_offset - begin) / entry;
  if (bmp.palette_entries == 0 || bmp.palette_entries > 256) damaged("a palette of impossible length");
  bmp.grey_palette = true;
  for (std::size_t i = begin; i + 2 < begin + bmp.palette_entries * entry; i += entry)
    bmp.grey_palette = bmp.grey_palette && file[i] == file[i + 1] && file[i + 1] == file[i + 2];
}

BmpHeader parse_header(std::span<const std::byte> file) {
  BmpHeader bmp{};
  if (file.size() < 26) damaged("the file ends early");
  bmp.data_offset = load_little<std::uint32_t>(&file[10]);
  const std::size_t info_size = load_little<std::uint32_t>(&file[14]);
  const bool old = info_size == 12;
  if (file.size() - 14 < info_size) damaged("the file ends early");
  if (old) {
    bmp.width = load_little<std::uint16_t>(&file[18]);
    bmp.height = load_little<std::uint16_t>(&file[20]);
  } else {
    if (info_size < 40) throw DataError("BMP of this kind is not supported");
    bmp.width = load_little<std::int32_t>(&file[18]);
    bmp.height = load_little<std::int32_t>(&file[22]);
    const auto compression = load_little<std::uint32_t>(&file[30]);
    if (compression == 1 || compression == 2) throw DataError("BMP with run-length compression is not supported");
    if (compression > 3) throw DataError("BMP with compression " + std::to_string(compression) + " is not supported");
  }
  if (bmp.height < 0) bmp.height = -bmp.height;  // rows from the top
  check_image_size(bmp.width, bmp.height);
  bmp.bits = load_little<std::uint16_t>(&file[old ? 24 : 28]);
  const int known[] = {1, 4, 8, 16, 24, 32};
  if (std::find(std::begin(known), std::end(known), bmp.bits) == std::end(known))
    damaged(std::to_string(bmp.bits) + " bits a pixel");
  bmp.row_bytes = (static_cast<std::size_t>(bmp.width) * static_cast<std::size_t>(bmp.bits) + 31) / 32 * 4;
  if (bmp.data_offset > file.size() ||
      (file.size() - bmp.data_offset) / bmp.row_bytes < static_cast<std::size_t>(bmp.height))
    damaged("the file ends early");
  if (bmp.bits <= 8) parse_palette(bmp, file, info_size);
  return bmp;
}

void check_indices(const BmpHeader& bmp, std::span<const std::byte> file) {
  if (bmp.bits > 8 || bmp.palette_entries >= std::size_t{1} << bmp.bits) return;
  const int in_a_byte = 8 / bmp.bits;
  const int mask = (1 << bmp.bits) - 1;
  for (std::int64_t y = 0; y < bmp.height; ++y) {
    const std::byte* row = &file[bmp.data_offset + static_cast<std::size_t>(y) * bmp.row_bytes];
    for (std::int64_t x = 0; x < bmp.width; ++x) {
      const int shift = 8 - bmp.bits * static_cast<int>(x % in_a_byte + 1);
      const auto index = static_cast<std::size_t>(std::to_integer<int>(row[x / in_a_byte]) >> shift & mask);
      if (index >= bmp.palette_entries) damaged("a pixel is outside of the palette");
    }
  }
}

Record read_bmp(const FileBytes& file, const BmpHeader& bmp, const ReadOptions& options) {
  check_indices(bmp, file.bytes);
  const std::int64_t pixels = bmp.width * bmp.height;
  const DecodedImage image = decode_with_stb({file.bytes}, static_cast<std::size_t>(pixels) * 4 + 65536, false);
  if (image.width != bmp.width || image.height != bmp.height || image.channels < 3)
    damaged("the pixels are not what its header says");
  const auto* samples = image.as<std::uint8_t>();
  // Many writers fill the fourth byte of a pixel without meaning transparency.
  bool opaque = true;
  if (image.channels == 4)
    for (std::int64_t i = 0; i < pixels; ++i) opaque = opaque && samples[4 * i + 3] == 255;
  if (!opaque) check_alpha(options);
  ImageSource source{"bmp", bmp.grey_palette ? 1 : 3, 8, 255, std::string(kSrgb)};
  return integer_image(samples, bmp.height, bmp.width, image.channels, SampleValues(options, 255), source);
}

std::unique_ptr<PageReader> open_bmp(FileBytes file, const ReadOptions& options) {
  const BmpHeader bmp = parse_header(file.bytes);
  return std::make_unique<SingleImage>([=] { return read_bmp(file, bmp, options); });
}

/// "BM" alone begins many a text.
bool recognises(std::span<const std::byte> head) {
  if (head.size() < 18 || !starts_with(head, "BM")) return false;
  const auto size = load_little<std::uint32_t>(&head[14]);
  return size == 12 || size == 16 || size == 40 || size == 52 || size == 56 || size == 64 || size == 108 || size == 124;
}

}  // namespace

FileFormat bmp_format() { return {"bmp", {".bmp"}, false, recognises, open_bmp, nullptr}; }

}  // namespace noiseutils

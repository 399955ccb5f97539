#include <algorithm>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/png_chunks.hpp"
#include "tensor/png_writer.hpp"
#include "tensor/single_image.hpp"
#include "tensor/stb_decode.hpp"

namespace noiseutils {
namespace {

constexpr std::byte kZero{0};

/// The samples as stored, by stb. It gets the header, the data and the end alone: a palette is given to it as grey, so
/// that an index outside of the palette (which stb would look up in uninitialised memory) is seen below; of a
/// transparent colour nothing but the name is needed.
DecodedImage decode(const PngChunks& png) {
  std::vector<std::byte> header(png.header.begin(), png.header.end());
  if (png.colour == 3) header[17] = kZero;
  constexpr std::byte kEnd[12] = {kZero,          kZero,          kZero,          kZero,
                                  std::byte{'I'}, std::byte{'E'}, std::byte{'N'}, std::byte{'D'}};
  std::vector<std::span<const std::byte>> pieces = {std::as_bytes(std::span(kPngSignature)), header};
  pieces.insert(pieces.end(), png.data.begin(), png.data.end());
  pieces.push_back(kEnd);
  // stb holds the compressed bytes, the filtered rows and the pixels, each with room to grow; small depths become 8.
  const auto pixels = static_cast<std::size_t>(png.width * png.height * png.channels()) * (png.depth == 16 ? 2 : 1);
  return decode_with_stb(pieces, 2 * pixels + 2 * png.data_bytes + 16 * static_cast<std::size_t>(png.height) + 65536,
                         png.depth == 16);
}

/// Palette indices, which stb spread over 0 ... 255, as RGB, or as grey if the whole palette is.
std::vector<std::uint8_t> look_up(const PngChunks& png, const DecodedImage& image, std::int64_t channels) {
  const int spread = 255 / ((1 << png.depth) - 1);
  const auto* indices = image.as<std::uint8_t>();
  const auto pixels = static_cast<std::size_t>(image.width * image.height);
  std::vector<std::uint8_t> samples(pixels * static_cast<std::size_t>(channels));
  auto out = samples.begin();
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::size_t index = indices[i] / static_cast<std::size_t>(spread);
    if (index >= png.palette.size()) throw DataError("damaged PNG: a pixel is outside of the palette");
    out = std::copy_n(png.palette[index].begin(), channels, out);
  }
  return samples;
}

Record read_png(const FileBytes&, const PngChunks& png, const ReadOptions& options) {
  const DecodedImage image = decode(png);
  if (image.width != png.width || image.height != png.height || image.channels != png.channels())
    throw DataError("damaged PNG: the pixels are not what its header says");
  ImageSource source;
  source.format = "png";
  source.depth = png.depth == 16 ? 16 : 8;
  source.scale = source.full_scale();
  if (png.srgb || (png.depth < 16 && !png.linear)) source.space = kSrgb;
  const SampleValues values(options, source.scale);
  if (png.colour == 3) {
    const bool grey = std::all_of(png.palette.begin(), png.palette.end(),
                                  [](const auto& entry) { return entry[0] == entry[1] && entry[1] == entry[2]; });
    source.channels = grey ? 1 : 3;
    const auto samples = look_up(png, image, source.channels);
    return integer_image(samples.data(), png.height, png.width, source.channels, values, source);
  }
  source.channels = (png.colour & 2) != 0 ? 3 : 1;
  if (png.depth == 16)
    return integer_image(image.as<std::uint16_t>(), png.height, png.width, image.channels, values, source);
  return integer_image(image.as<std::uint8_t>(), png.height, png.width, image.channels, values, source);
}

std::unique_ptr<PageReader> open_png(FileBytes file, const ReadOptions& options) {
  auto png = parse_png(file.bytes);
  if ((png.colour & 4) != 0 || png.transparent) check_alpha(options);
  // The chunks are views into the file: the capture of `file` keeps them alive.
  return std::make_unique<SingleImage>([=] { return read_png(file, png, options); });
}

}  // namespace

FileFormat png_format() {
  return {"png",    {".png"},
          false,    [](std::span<const std::byte> head) { return starts_with(head, kPngSignature); },
          open_png, open_png_writer};
}

}  // namespace noiseutils

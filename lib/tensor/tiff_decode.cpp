#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "tensor/tiff_page.hpp"

namespace noiseutils {
namespace {

/// A rectangle of decoded samples as libtiff hands it over: a strip or a tile, of one plane or of all.
struct Block {
  const std::byte* bytes;
  std::size_t row_bytes;
  std::int64_t x, y, width, height;  ///< what of it lies in the image
  std::int64_t plane;                ///< -1: interleaved
};

/// Takes blocks to their place in the planar result.
class PageSink {
 public:
  PageSink(const TiffPage& page, const ReadOptions& options, Tensor& values)
      : page_(page),
        scale_(options.scale),
        samples_(options, page.has_palette ? std::ldexp(1.0, page.palette_bits) - 1
                                           : std::ldexp(1.0, page.is_signed ? page.bits - 1 : page.bits) - 1),
        out_(values.mutable_raw()) {}

  void put(const Block& block) {
    for (std::size_t c = 0; c < page_.channels.size(); ++c) {
      const std::int64_t sample = page_.channels[c];
      if (block.plane >= 0 && block.plane != sample) continue;
      for (std::int64_t y = 0; y < block.height; ++y)
        put_row(block, y, static_cast<std::int64_t>(c), block.plane >= 0 ? 0 : sample,
                block.plane >= 0 ? 1 : page_.stored);
    }
  }

 private:
  void put_row(const Block& block, std::int64_t y, std::int64_t channel, std::int64_t first, std::int64_t stride) {
    const std::byte* row = block.bytes + static_cast<std::size_t>(y) * block.row_bytes;
    const std::int64_t to = (channel * page_.height + block.y + y) * page_.width + block.x;
    if (page_.is_float) {
      switch (page_.bits) {
        case 16:
          return put_halves(reinterpret_cast<const std::uint16_t*>(row) + first, stride, block.width, to);
        case 32:
          return put_reals(reinterpret_cast<const float*>(row) + first, stride, block.width, to);
        default:
          return put_reals(reinterpret_cast<const double*>(row) + first, stride, block.width, to);
      }
    }
    if (page_.bits == 32) {
      if (page_.is_signed)
        return put_integers<double>(reinterpret_cast<const std::int32_t*>(row) + first, stride, block.width, to);
      return put_integers<double>(inverted_or(reinterpret_cast<const std::uint32_t*>(row) + first, stride, block.width),
                                  page_.inverted ? 1 : stride, block.width, to);
    }
    if (page_.is_signed) {
      if (page_.bits == 8)
        return put_integers<float>(reinterpret_cast<const std::int8_t*>(row) + first, stride, block.width, to);
      return put_integers<float>(reinterpret_cast<const std::int16_t*>(row) + first, stride, block.width, to);
    }
    const bool plain = !page_.inverted && !page_.has_palette;
    if (plain && page_.bits == 8)
      return put_integers<float>(reinterpret_cast<const std::uint8_t*>(row) + first, stride, block.width, to);
    if (plain && page_.bits == 16)
      return put_integers<float>(reinterpret_cast<const std::uint16_t*>(row) + first, stride, block.width, to);
    unpack(row, first, stride, block.width);
    if (page_.has_palette) return put_palette(block.width, to);
    put_integers<float>(unpacked_.data(), 1, block.width, to);
  }

  template <class Value, class Sample>
  void put_integers(const Sample* samples, std::int64_t stride, std::int64_t count, std::int64_t to) {
    samples_.convert(samples, stride, count, reinterpret_cast<Value*>(out_) + to);
  }

  template <class Value>
  void put_reals(const Value* in, std::int64_t stride, std::int64_t count, std::int64_t to) {
    Value* out = reinterpret_cast<Value*>(out_) + to;
    for (std::int64_t x = 0; x < count; ++x) out[x] = in[x * stride];
    if (scale_)
      for (std::int64_t x = 0; x < count; ++x) out[x] = static_cast<Value>(static_cast<double>(out[x]) * *scale_);
  }

  void put_halves(const std::uint16_t* in, std::int64_t stride, std::int64_t count, std::int64_t to) {
    std::vector<std::uint16_t> row(static_cast<std::size_t>(count));
    for (std::int64_t x = 0; x < count; ++x) row[static_cast<std::size_t>(x)] = in[x * stride];
    const auto* bytes = reinterpret_cast<const std::byte*>(row.data());
    const Tensor halves = Tensor::view(DType::F16, {count}, nullptr, bytes, false).converted(DType::F32);
    put_reals(halves.values<float>().data(), 1, count, to);
  }

  const std::uint32_t* inverted_or(const std::uint32_t* in, std::int64_t stride, std::int64_t count) {
    if (!page_.inverted) return in;
    wide_.resize(static_cast<std::size_t>(count));
    for (std::int64_t x = 0; x < count; ++x) wide_[static_cast<std::size_t>(x)] = ~in[x * stride];
    return wide_.data();
  }

  /// Samples of 1 to 16 bits as 16-bit integers, white 0 turned round. Those of 16 bits come in this machine's byte
  /// order, others packed from the highest bit on.
  void unpack(const std::byte* row, std::int64_t first, std::int64_t stride, std::int64_t count) {
    unpacked_.resize(static_cast<std::size_t>(count));
    const int bits = page_.bits;
    const std::uint32_t mask = (1U << bits) - 1;
    for (std::int64_t x = 0; x < count; ++x) {
      const auto index = static_cast<std::size_t>(first + x * stride);
      std::uint32_t sample = 0;
      if (bits == 16) {
        std::uint16_t whole;
        std::memcpy(&whole, row + 2 * index, 2);
        sample = whole;
      } else {
        const std::size_t bit = index * static_cast<std::size_t>(bits);
        const std::size_t last = (bit + static_cast<std::size_t>(bits) - 1) / 8;
        for (std::size_t i = bit / 8; i <= last; ++i) sample = sample << 8 | std::to_integer<std::uint32_t>(row[i]);
        sample = sample >> (8 * (last + 1) - bit - static_cast<std::size_t>(bits)) & mask;
      }
      unpacked_[static_cast<std::size_t>(x)] = static_cast<std::uint16_t>(page_.inverted ? mask - sample : sample);
    }
  }

  void put_palette(std::int64_t count, std::int64_t to) {
    std::vector<std::uint16_t> colours(static_cast<std::size_t>(count));
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::uint16_t* plane = page_.palette.data() + (c << page_.bits);
      for (std::size_t x = 0; x < colours.size(); ++x) colours[x] = plane[unpacked_[x]];
      put_integers<float>(colours.data(), 1, count, to + c * page_.height * page_.width);
    }
  }

  const TiffPage& page_;
  std::optional<double> scale_;
  SampleValues samples_;
  std::byte* out_;
  std::vector<std::uint16_t> unpacked_;
  std::vector<std::uint32_t> wide_;
};

/// Memory for one strip or tile, zeroed: a decoder that leaves some of it out must not show what lay there before.
struct Buffer {
  explicit Buffer(tmsize_t size)
      : bytes(static_cast<std::byte*>(std::calloc(1, static_cast<std::size_t>(size) + 8)), std::free) {
    if (!bytes) throw std::bad_alloc();
  }
  std::unique_ptr<std::byte, void (*)(void*)> bytes;
};

void read_tiles(TIFF* tiff, const TiffPage& page, PageSink& sink) {
  std::uint32_t tile_width = 0, tile_height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  if (tile_width == 0 || tile_height == 0) throw DataError("damaged TIFF: tiles without a size");
  const tmsize_t size = TIFFTileSize(tiff);
  const auto row_bytes = static_cast<std::size_t>(TIFFTileRowSize(tiff));
  const Buffer buffer(size);
  for (std::int64_t plane = 0; plane < (page.planar ? page.stored : 1); ++plane)
    for (std::int64_t y = 0; y < page.height; y += tile_height)
      for (std::int64_t x = 0; x < page.width; x += tile_width) {
        const auto tile = TIFFComputeTile(tiff, static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0,
                                          static_cast<std::uint16_t>(plane));
        if (TIFFReadEncodedTile(tiff, tile, buffer.bytes.get(), size) != size) throw_tiff_error("a tile is incomplete");
        sink.put({buffer.bytes.get(), row_bytes, x, y, std::min<std::int64_t>(tile_width, page.width - x),
                  std::min<std::int64_t>(tile_height, page.height - y), page.planar ? plane : -1});
      }
}

void read_strips(TIFF* tiff, const TiffPage& page, PageSink& sink) {
  std::uint32_t rows = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  const std::int64_t strip_height = std::min<std::int64_t>(rows, page.height);
  if (strip_height < 1) throw DataError("damaged TIFF: strips without rows");
  const auto row_bytes = static_cast<std::size_t>(TIFFScanlineSize(tiff));
  const Buffer buffer(TIFFStripSize(tiff));
  for (std::int64_t plane = 0; plane < (page.planar ? page.stored : 1); ++plane)
    for (std::int64_t y = 0; y < page.height; y += strip_height) {
      const std::int64_t height = std::min(strip_height, page.height - y);
      const auto strip = TIFFComputeStrip(tiff, static_cast<std::uint32_t>(y), static_cast<std::uint16_t>(plane));
      const auto size = static_cast<tmsize_t>(row_bytes * static_cast<std::size_t>(height));
      if (TIFFReadEncodedStrip(tiff, strip, buffer.bytes.get(), size) != size)
        throw_tiff_error("a strip is incomplete");
      sink.put({buffer.bytes.get(), row_bytes, 0, y, page.width, height, page.planar ? plane : -1});
    }
}

}  // namespace

void read_page(TIFF* tiff, const TiffPage& page, const ReadOptions& options, Tensor& values) {
  PageSink sink(page, options, values);
  tiff_messages().clear();
  if (TIFFIsTiled(tiff) != 0) {
    read_tiles(tiff, page, sink);
  } else {
    read_strips(tiff, page, sink);
  }
  // Some decoders fill up what is missing and only warn.
  if (!tiff_messages().error.empty()) throw_tiff_error("");
  const bool lenient = page.compression == COMPRESSION_JPEG || page.compression == COMPRESSION_CCITTFAX3 ||
                       page.compression == COMPRESSION_CCITTFAX4 || page.compression == COMPRESSION_CCITTRLE;
  if (lenient && !tiff_messages().warning.empty()) throw DataError("damaged TIFF: " + tiff_messages().warning);
}

}  // namespace noiseutils

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/descriptor_sink.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/jpeg.hpp"
#include "tensor/single_image.hpp"
#include "tensor/stb_decode.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace noiseutils {
namespace {

constexpr int kQuality = 95;

struct JpegHeader {
  std::int64_t width = 0, height = 0, components = 0;
};

[[noreturn]] void damaged(const std::string& what) { throw DataError("damaged JPEG: " + what); }

/// Walks the segments of a JPEG file to its end marker. stb takes what is missing for grey, so a file that ends early
/// must be seen here.  Source: ITU-T T.81, annex B.
class JpegWalk {
 public:
  explicit JpegWalk(std::span<const std::byte> file) : file_(file) {}

  JpegHeader header() {
    at_ = 2;
    for (;;) {
      const int marker = next_marker();
      if (marker == 0xd9) break;
      if ((marker >= 0xd0 && marker <= 0xd7) || marker == 0x01) continue;  // these have no body
      const auto body = segment();
      if (marker == 0xc4) {
        check_huffman_tables(body);
      } else if (marker == 0xda) {
        scan(body);
      } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc8 && marker != 0xcc) {
        frame(marker, body);
      }
    }
    if (header_.components == 0) damaged("no frame");
    for (const int id : components_)
      if (std::find(scanned_.begin(), scanned_.end(), id) == scanned_.end()) damaged("a component is missing");
    // A block of 64 pixels takes at least one bit.
    if (header_.width * header_.height / 512 > static_cast<std::int64_t>(file_.size()))
      damaged(std::to_string(header_.width) + " x " + std::to_string(header_.height) + " pixels cannot come from " +
              std::to_string(file_.size()) + " bytes");
    return header_;
  }

 private:
  int byte_at(std::size_t at) const {
    if (at >= file_.size()) damaged("the file ends early");
    return std::to_integer<int>(file_[at]);
  }
  int next_marker() {
    if (byte_at(at_) != 0xff) damaged("no marker where one should be");
    while (byte_at(at_) == 0xff) ++at_;
    return byte_at(at_++);
  }
  std::span<const std::byte> segment() {
    byte_at(at_ + 1);
    const std::size_t length = load_big<std::uint16_t>(&file_[at_]);
    if (length < 2) damaged("a segment of impossible length");
    byte_at(at_ + length - 1);
    const auto body = file_.subspan(at_ + 2, length - 2);
    at_ += length;
    return body;
  }
  /// stb has room for 256 codes in a table and trusts the file to have no more.
  static void check_huffman_tables(std::span<const std::byte> body) {
    while (!body.empty()) {
      if (body.size() < 17) damaged("a Huffman table ends early");
      std::size_t codes = 0;
      for (std::size_t i = 1; i <= 16; ++i) codes += std::to_integer<std::size_t>(body[i]);
      if (codes > 256 || codes > body.size() - 17) damaged("a Huffman table is too long");
      body = body.subspan(17 + codes);
    }
  }
  void frame(int marker, std::span<const std::byte> body) {
    if (header_.components != 0) damaged("two frames");
    if (marker == 0xc3 || marker == 0xc7 || marker == 0xcb || marker == 0xcf)
      throw DataError("lossless JPEG is not supported");
    if (marker > 0xc8) throw DataError("JPEG with arithmetic coding is not supported");
    if (marker > 0xc2) throw DataError("hierarchical JPEG is not supported");
    if (body.size() < 6) damaged("a frame of impossible length");
    const int precision = std::to_integer<int>(body[0]);
    if (precision != 8) throw DataError("JPEG of " + std::to_string(precision) + " bits is not supported");
    header_.height = load_big<std::uint16_t>(&body[1]);
    header_.width = load_big<std::uint16_t>(&body[3]);
    header_.components = std::to_integer<int>(body[5]);
    check_image_size(header_.width, header_.height);
    if (header_.components == 4) throw DataError("CMYK JPEG is not supported");
    if (header_.components != 1 && header_.components != 3)
      throw DataError("JPEG with " + std::to_string(header_.components) + " components is not supported");
    if (static_cast<std::int64_t>(body.size()) != 6 + 3 * header_.components) damaged("a frame of impossible length");
    for (std::size_t i = 6; i < body.size(); i += 3) components_.push_back(std::to_integer<int>(body[i]));
  }
  void scan(std::span<const std::byte> body) {
    if (header_.components == 0) damaged("a scan before the frame");
    const std::size_t count = body.empty() ? 0 : std::to_integer<std::size_t>(body[0]);
    if (count < 1 || count > 4 || body.size() != 4 + 2 * count) damaged("a scan of impossible length");
    for (std::size_t i = 0; i < count; ++i) scanned_.push_back(std::to_integer<int>(body[1 + 2 * i]));
    const std::size_t begin = at_;
    for (;; ++at_) {
      while (byte_at(at_) != 0xff) ++at_;
      const int next = byte_at(at_ + 1);
      if (next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7)) break;
    }
    if (at_ == begin) damaged("an empty scan");
  }

  std::span<const std::byte> file_;
  std::size_t at_ = 0;
  JpegHeader header_;
  std::vector<int> components_, scanned_;
};

Record read_jpeg(const FileBytes& file, const JpegHeader& header, const ReadOptions& options) {
  // stb holds 2 bytes a coefficient of progressive images, in blocks of up to 32 pixels.
  const auto area = static_cast<std::size_t>((header.width + 64) * (header.height + 64));
  const DecodedImage image = decode_with_stb({file.bytes}, area * 4 + 65536, false);
  if (image.width != header.width || image.height != header.height || image.channels != header.components)
    damaged("the pixels are not what its header says");
  ImageSource source{"jpeg", image.channels, 8, 255, std::string(kSrgb)};
  return integer_image(image.as<std::uint8_t>(), image.height, image.width, image.channels, SampleValues(options, 255),
                       source);
}

std::unique_ptr<PageReader> open_jpeg(FileBytes file, const ReadOptions& options) {
  const JpegHeader header = JpegWalk(file.bytes).header();
  return std::make_unique<SingleImage>([=] { return read_jpeg(file, header, options); });
}

/// A JPEG file of 8-bit pixels, interleaved.
std::vector<std::byte> jpeg_file(const void* pixels, std::int64_t height, std::int64_t width, std::int64_t channels,
                                 int quality) {
  if (width > 65535 || height > 65535) throw DataError("a jpeg file holds at most 65535 pixels a side");
  const auto put = [](void* bytes, void* from, int size) {
    const auto* begin = static_cast<const std::byte*>(from);
    static_cast<std::vector<std::byte>*>(bytes)->insert(static_cast<std::vector<std::byte>*>(bytes)->end(), begin,
                                                        begin + size);
  };
  std::vector<std::byte> bytes;
  if (stbi_write_jpg_to_func(put, &bytes, static_cast<int>(width), static_cast<int>(height), static_cast<int>(channels),
                             pixels, quality) == 0)
    throw DataError("cannot be a JPEG file");
  return bytes;
}

class JpegWriter : public PageWriter {
 public:
  explicit JpegWriter(int descriptor) : sink_(descriptor) {}

  void add(const Record& sample) override {
    const Tensor& data = sample.require("data");
    const PixelLayout layout = pixel_layout(axes_of(sample), data.shape(), "jpeg");
    if (layout.channels != 1 && layout.channels != 3)
      throw DataError("a jpeg file holds 1 or 3 channels, not " + std::to_string(layout.channels));
    const Tensor pixels = encode_pixels(data, layout, integer_encoding(sample, 8));
    const std::vector<std::byte> bytes =
        jpeg_file(pixels.raw(), layout.height, layout.width, layout.channels, kQuality);
    sink_.write(bytes);
  }
  void finish() override { sink_.flush(); }

 private:
  DescriptorSink sink_;
};

std::unique_ptr<PageWriter> create_jpeg(int descriptor, const WriteOptions& options) {
  if (options.depth == 16) throw UsageError("a jpeg file holds 8 bits, not --depth 16");
  return std::make_unique<JpegWriter>(descriptor);
}

}  // namespace

std::vector<std::uint8_t> through_jpeg(const std::vector<std::uint8_t>& pixels, std::int64_t height, std::int64_t width,
                                       std::int64_t channels, int quality) {
  const std::vector<std::byte> file = jpeg_file(pixels.data(), height, width, channels, quality);
  const auto area = static_cast<std::size_t>((width + 64) * (height + 64));
  const DecodedImage image = decode_with_stb({file}, area * 4 + 65536, false);
  // stb writes three components whatever it gets; those of grey are alike.
  const std::int64_t step = image.channels / channels;
  std::vector<std::uint8_t> back(pixels.size());
  for (std::size_t i = 0; i < back.size(); ++i) back[i] = image.as<std::uint8_t>()[i * static_cast<std::size_t>(step)];
  return back;
}

FileFormat jpeg_format() {
  return {"jpeg",    {".jpg", ".jpeg"},
          false,     [](std::span<const std::byte> head) { return starts_with(head, "\xff\xd8\xff"); },
          open_jpeg, create_jpeg};
}

}  // namespace noiseutils

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/descriptor_sink.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/pnm_header.hpp"
#include "tensor/single_image.hpp"

namespace noiseutils {
namespace {

/// P1 ... P6 of the netpbm formats. A maximum other than 255 or 65535 is brought to full scale: 1 is white.
struct PnmImage {
  int kind;  ///< the digit after P
  std::int64_t channels, width, height, maximum;
  std::size_t data_offset;

  bool is_text() const { return kind <= 3; }
  bool is_bitmap() const { return kind == 1 || kind == 4; }
  std::int64_t row_samples() const { return width * channels; }
};

/// Checks the sizes against the file: nothing is allocated for a header's word alone.
PnmImage parse_header(std::span<const std::byte> file) {
  PnmHeader text(file);
  PnmImage image{};
  image.kind = static_cast<int>(file[1]) - '0';
  image.channels = image.kind % 3 == 0 ? 3 : 1;
  image.width = text.integer("width");
  image.height = text.integer("height");
  image.maximum = image.is_bitmap() ? 1 : text.integer("maximum");
  check_image_size(image.width, image.height);
  if (image.maximum < 1 || image.maximum > 65535)
    throw DataError("maximum " + std::to_string(image.maximum) + " is not 1 ... 65535");
  image.data_offset = text.end_of_header();
  const auto have = static_cast<std::int64_t>(file.size() - image.data_offset);
  const std::int64_t row = image.kind == 4   ? (image.width + 7) / 8
                           : image.is_text() ? image.row_samples()  // at least one character each
                                             : image.row_samples() * (image.maximum > 255 ? 2 : 1);
  if (have / row < image.height) throw DataError("is truncated");
  if (!image.is_text() && have != row * image.height) throw DataError("holds more than one image");
  return image;
}

/// Hands the samples over row by row, as put(y, row).
template <class Put>
void for_each_row(const FileBytes& file, const PnmImage& image, Put&& put) {
  std::vector<std::uint16_t> row(static_cast<std::size_t>(image.row_samples()));
  const std::byte* at = file.bytes.data() + image.data_offset;
  const auto checked = [&](std::int64_t sample) {
    if (sample > image.maximum) throw DataError("holds a pixel above its maximum");
    return static_cast<std::uint16_t>(sample);
  };
  PnmHeader text(file.bytes);
  if (image.is_text()) {
    text.integer("width");
    text.integer("height");
    if (!image.is_bitmap()) text.integer("maximum");
  }
  for (std::int64_t y = 0; y < image.height; ++y) {
    if (image.kind == 1) {
      for (auto& sample : row) sample = static_cast<std::uint16_t>(1 - text.bit());  // 1 is black
    } else if (image.is_text()) {
      for (auto& sample : row) sample = checked(text.integer("pixel"));
    } else if (image.kind == 4) {
      for (std::size_t x = 0; x < row.size(); ++x)
        row[x] = static_cast<std::uint16_t>(1 - (static_cast<int>(at[x / 8]) >> (7 - x % 8) & 1));
      at += (row.size() + 7) / 8;
    } else if (image.maximum > 255) {
      for (auto& sample : row) {
        sample = checked(load_big<std::uint16_t>(at));
        at += 2;
      }
    } else {
      for (auto& sample : row) sample = checked(static_cast<std::int64_t>(*at++));
    }
    put(y, row);
  }
  if (image.is_text()) text.expect_end();
}

Record read_pnm(const FileBytes& file, const PnmImage& image, const ReadOptions& options) {
  const SampleValues values(options, static_cast<double>(image.maximum));
  Tensor data(DType::F32, image_shape(image.height, image.width, image.channels));
  float* out = data.mutable_values<float>().data();
  for_each_row(file, image, [&](std::int64_t y, const std::vector<std::uint16_t>& row) {
    for (std::int64_t c = 0; c < image.channels; ++c)
      values.convert(row.data() + c, image.channels, image.width, out + (c * image.height + y) * image.width);
  });
  static constexpr const char* kNames[] = {"pbm", "pgm", "ppm"};
  ImageSource source;
  source.format = kNames[(image.kind - 1) % 3];
  source.channels = image.channels;
  source.depth = image.maximum > 255 ? 16 : 8;
  source.scale = source.full_scale();
  if (image.maximum <= 255) source.space = kSrgb;
  values.describe(source);
  return image_record(std::move(data), image.channels == 1 ? "HW" : "CHW", source);
}

std::unique_ptr<PageReader> open_pnm(FileBytes file, const ReadOptions& options) {
  const PnmImage image = parse_header(file.bytes);
  return std::make_unique<SingleImage>([=] { return read_pnm(file, image, options); });
}

class PnmWriter : public PageWriter {
 public:
  /// channels: 1, 3, or 0 for either.
  PnmWriter(int descriptor, const WriteOptions& options, std::int64_t channels)
      : sink_(descriptor), depth_(options.depth), channels_(channels) {}

  void add(const Record& sample) override {
    const Tensor& data = sample.require("data");
    const PixelLayout layout = pixel_layout(axes_of(sample), data.shape(), "pnm");
    if ((layout.channels != 1 && layout.channels != 3) || (channels_ != 0 && layout.channels != channels_))
      throw DataError(layout.channels == 1 ? "a grey sample goes into a .pgm file"
                      : layout.channels == 3
                          ? "a colour sample goes into a .ppm file"
                          : "a pnm file holds 1 or 3 channels, not " + std::to_string(layout.channels));
    const IntegerEncoding encoding = integer_encoding(sample, depth_);
    const Tensor pixels = encode_pixels(data, layout, encoding);
    const bool wide = encoding.file_depth() == 16;
    sink_.write((layout.channels == 1 ? "P5\n" : "P6\n") + std::to_string(layout.width) + " " +
                std::to_string(layout.height) + (wide ? "\n65535\n" : "\n255\n"));
    if (wide && kLittleEndian) {
      std::vector<std::byte> row(static_cast<std::size_t>(layout.width * layout.channels) * 2);
      for (std::int64_t y = 0; y < layout.height; ++y) {
        copy_swapped(pixels.raw() + static_cast<std::size_t>(y) * row.size(), row.data(), row.size() / 2, 2);
        sink_.write(row);
      }
    } else {
      sink_.write({pixels.raw(), pixels.bytes()});
    }
  }
  void finish() override { sink_.flush(); }

 private:
  DescriptorSink sink_;
  int depth_;
  std::int64_t channels_;
};

template <std::int64_t kChannels>
std::unique_ptr<PageWriter> create_pnm(int descriptor, const WriteOptions& options) {
  return std::make_unique<PnmWriter>(descriptor, options, kChannels);
}

template <char... kKinds>
bool recognises(std::span<const std::byte> head) {
  return head.size() > 2 && head[0] == std::byte{'P'} && ((head[1] == std::byte{kKinds}) || ...) &&
         (is_pnm_space(head[2]) || head[2] == std::byte{'#'});
}

}  // namespace

FileFormat pgm_format() { return {"pgm", {".pgm"}, false, recognises<'1', '2', '4', '5'>, open_pnm, create_pnm<1>}; }
FileFormat ppm_format() { return {"ppm", {".ppm"}, false, recognises<'3', '6'>, open_pnm, create_pnm<3>}; }
FileFormat pnm_format() {
  return {"pnm", {".pnm"}, false, [](std::span<const std::byte>) { return false; }, open_pnm, create_pnm<0>};
}

}  // namespace noiseutils

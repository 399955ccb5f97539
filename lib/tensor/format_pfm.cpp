#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/descriptor_sink.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/pnm_header.hpp"
#include "tensor/single_image.hpp"

namespace noiseutils {
namespace {

/// Portable float maps: text header, then rows from the bottom up, of floats in either byte order.
/// Source: Paul Debevec's description of the format.
struct PfmHeader {
  std::int64_t channels, width, height;
  bool little;
  std::size_t data_offset;
};

PfmHeader parse_header(std::span<const std::byte> file) {
  PnmHeader text(file);
  PfmHeader header{};
  header.channels = file[1] == std::byte{'F'} ? 3 : 1;
  header.width = text.integer("width");
  header.height = text.integer("height");
  const double scale = text.number("scale");
  if (scale == 0) throw DataError("PFM scale is 0");
  header.little = scale < 0;
  header.data_offset = text.end_of_header();
  check_image_size(header.width, header.height);
  const std::size_t row = static_cast<std::size_t>(header.width * header.channels) * sizeof(float);
  const std::size_t have = file.size() - header.data_offset;
  if (have % row != 0 || have / row != static_cast<std::size_t>(header.height))
    throw DataError("the size " + std::to_string(header.width) + " x " + std::to_string(header.height) +
                    " does not fit the " + std::to_string(have) + " bytes of data");
  return header;
}

Record read_pfm(const FileBytes& file, const PfmHeader& header, const ReadOptions& options) {
  const std::int64_t width = header.width, height = header.height, channels = header.channels;
  const std::size_t row_bytes = static_cast<std::size_t>(width * channels) * sizeof(float);
  Tensor data(DType::F32, image_shape(height, width, channels));
  float* out = data.mutable_values<float>().data();
  std::vector<float> row(static_cast<std::size_t>(width * channels));
  for (std::int64_t y = 0; y < height; ++y) {
    const std::byte* from =
        file.bytes.data() + header.data_offset + static_cast<std::size_t>(height - 1 - y) * row_bytes;
    auto* to = reinterpret_cast<std::byte*>(row.data());
    if (header.little == kLittleEndian) {
      std::memcpy(to, from, row_bytes);
    } else {
      copy_swapped(from, to, row.size(), sizeof(float));
    }
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t x = 0; x < width; ++x)
        out[(c * height + y) * width + x] = row[static_cast<std::size_t>(x * channels + c)];
  }
  ImageSource source{"pfm", channels, 32, 1, std::string(kUnknownSpace), true};
  if (options.scale) {
    data = scaled(data, *options.scale);
    source.scale = 1 / *options.scale;
  }
  return image_record(std::move(data), channels == 1 ? "HW" : "CHW", source);
}

std::unique_ptr<PageReader> open_pfm(FileBytes file, const ReadOptions& options) {
  const PfmHeader header = parse_header(file.bytes);
  return std::make_unique<SingleImage>([=] { return read_pfm(file, header, options); });
}

class PfmWriter : public PageWriter {
 public:
  explicit PfmWriter(int descriptor) : sink_(descriptor) {}

  void add(const Record& sample) override {
    const Tensor data = sample.require("data").converted(DType::F32);
    const PixelLayout layout = pixel_layout(axes_of(sample), data.shape(), "pfm");
    if (layout.channels != 1 && layout.channels != 3)
      throw DataError("a pfm file holds 1 or 3 channels, not " + std::to_string(layout.channels));
    sink_.write((layout.channels == 1 ? "Pf\n" : "PF\n") + std::to_string(layout.width) + " " +
                std::to_string(layout.height) + (kLittleEndian ? "\n-1.0\n" : "\n1.0\n"));
    std::vector<float> row(static_cast<std::size_t>(layout.width * layout.channels));
    const float* values = data.values<float>().data();
    for (std::int64_t y = layout.height - 1; y >= 0; --y) {
      for (std::int64_t x = 0; x < layout.width; ++x)
        for (std::int64_t c = 0; c < layout.channels; ++c)
          row[static_cast<std::size_t>(x * layout.channels + c)] =
              values[y * layout.row + x * layout.column + c * layout.channel];
      sink_.write(std::as_bytes(std::span(row)));
    }
  }
  void finish() override { sink_.flush(); }

 private:
  DescriptorSink sink_;
};

}  // namespace

FileFormat pfm_format() {
  return {"pfm",
          {".pfm"},
          false,
          [](std::span<const std::byte> head) {
            return head.size() > 2 && (starts_with(head, "PF") || starts_with(head, "Pf")) && is_pnm_space(head[2]);
          },
          open_pfm,
          [](int descriptor, const WriteOptions&) -> std::unique_ptr<PageWriter> {
            return std::make_unique<PfmWriter>(descriptor);
          }};
}

}  // namespace noiseutils

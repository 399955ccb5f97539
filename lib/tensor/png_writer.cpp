#include "tensor/png_writer.hpp"

#include <png.h>

#include <csetjmp>
#include <exception>
#include <string>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/descriptor_sink.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {
namespace {

/// What the callbacks of libpng may use. They are C: no exception passes through them, it waits here.
struct PngOutput {
  DescriptorSink& sink;
  std::exception_ptr failure;
  std::string message;
};

void write_bytes(png_structp png, png_bytep bytes, std::size_t size) {
  auto* output = static_cast<PngOutput*>(png_get_io_ptr(png));
  try {
    output->sink.write(std::as_bytes(std::span(bytes, size)));
  } catch (...) {
    output->failure = std::current_exception();
  }
  if (output->failure) png_error(png, "write failed");
}

void keep_error(png_structp png, png_const_charp message) {
  static_cast<PngOutput*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

/// The part that longjmp may leave: no object with a destructor lives in it.
bool write_rows(png_structp png, png_infop info, const Tensor& pixels, int depth, bool srgb) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  const auto height = static_cast<png_uint_32>(pixels.axis(0));
  png_set_IHDR(png, info, static_cast<png_uint_32>(pixels.axis(1)), height, depth,
               pixels.axis(2) == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (srgb) png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_write_info(png, info);
  if (depth == 16 && kLittleEndian) png_set_swap(png);
  const auto* row = reinterpret_cast<png_const_bytep>(pixels.raw());
  const std::size_t row_bytes = pixels.bytes() / height;
  for (png_uint_32 y = 0; y < height; ++y, row += row_bytes) png_write_row(png, row);
  png_write_end(png, info);
  return true;
}

class PngWriter : public PageWriter {
 public:
  PngWriter(int descriptor, const WriteOptions& options) : sink_(descriptor), depth_(options.depth) {}

  void add(const Record& sample) override {
    const Tensor& data = sample.require("data");
    const PixelLayout layout = pixel_layout(axes_of(sample), data.shape(), "png");
    if (layout.channels != 1 && layout.channels != 3)
      throw DataError("a png file holds 1 or 3 channels, not " + std::to_string(layout.channels));
    const IntegerEncoding encoding = integer_encoding(sample, depth_);
    const Tensor pixels = encode_pixels(data, layout, encoding);
    // 8-bit files are taken for sRGB by everybody; 16-bit ones say so if they are.
    const auto source = source_of(sample);
    const bool srgb = encoding.file_depth() == 16 && source && source->space == kSrgb;

    PngOutput output{sink_, nullptr, {}};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output, keep_error, [](auto, auto) {});
    png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
    if (info == nullptr) {
      png_destroy_write_struct(&png, nullptr);
      throw std::bad_alloc();
    }
    // libpng's own limit of a million a side is for readers of unknown files.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png, &output, write_bytes, [](png_structp) {});
    const bool written = write_rows(png, info, pixels, encoding.file_depth(), srgb);
    png_destroy_write_struct(&png, &info);
    if (output.failure) std::rethrow_exception(output.failure);
    if (!written) throw DataError("cannot be a PNG file: " + output.message);
  }
  void finish() override { sink_.flush(); }

 private:
  DescriptorSink sink_;
  int depth_;
};

}  // namespace

std::unique_ptr<PageWriter> open_png_writer(int descriptor, const WriteOptions& options) {
  return std::make_unique<PngWriter>(descriptor, options);
}

}  // namespace noiseutils

#include "tensor/tiff_writer.hpp"

#include <cerrno>
#include <optional>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "tensor/image_values.hpp"
#include "tensor/tiff_file.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kStripBytes = std::size_t{1} << 20;

/// nullopt: written as floats.
std::optional<IntegerEncoding> encoding_of(const Record& sample, int depth) {
  if (depth != 0) return integer_encoding(sample, depth);
  const auto source = source_of(sample);
  const DType dtype = sample.require("data").dtype();
  const bool from_integers = source && !source->is_float && !source->is_signed && source->depth <= 16;
  const bool counts = !source && (dtype == DType::U8 || dtype == DType::U16 || dtype == DType::BOOL);
  if (from_integers || counts) return integer_encoding(sample, 0);
  return std::nullopt;
}

/// `data` with channels last and as floats.
template <class Value>
Tensor interleaved(const Tensor& data, const PixelLayout& layout, DType dtype) {
  const Tensor values = data.converted(dtype);
  Tensor result(dtype, {layout.height, layout.width, layout.channels});
  const Value* in = values.values<Value>().data();
  Value* out = result.mutable_values<Value>().data();
  for (std::int64_t y = 0; y < layout.height; ++y)
    for (std::int64_t x = 0; x < layout.width; ++x)
      for (std::int64_t c = 0; c < layout.channels; ++c)
        *out++ = in[y * layout.row + x * layout.column + c * layout.channel];
  return result;
}

class TiffWriter : public PageWriter {
 public:
  TiffWriter(int descriptor, const WriteOptions& options) : depth_(options.depth) { storage_.descriptor = descriptor; }
  ~TiffWriter() override {
    if (tiff_) TIFFCleanup(tiff_.release());  // closing would write on
  }

  void add(const Record& sample) override {
    const Tensor& data = sample.require("data");
    const std::string axes = axes_of(sample);
    const auto encoding = encoding_of(sample, depth_);
    if (!tiff_) guarded([&] { tiff_ = create_tiff(storage_, data.bytes() > (std::size_t{7} << 29)); });
    const bool stack =
        data.rank() > 2 && axes[0] != 'C' && axes[0] != 'N' && axes.find("HW") != std::string::npos && axes[0] != 'H';
    if (!stack) return add_page(data, axes, encoding);
    for (std::int64_t i = 0; i < data.axis(0); ++i) add_page(data.at(i), axes.substr(1), encoding);
  }

  void finish() override {
    // TIFFClose says nothing of a failed write; TIFFFlush does, and the storage remembers.
    guarded([&] {
      if (TIFFFlush(tiff_.get()) == 0) fail();
      tiff_.reset();
    });
  }

 private:
  /// A failed write() is what it is, whatever libtiff makes of it.
  template <class Work>
  void guarded(Work&& work) {
    tiff_messages().clear();
    try {
      work();
    } catch (const DataError&) {
      check_writes();
      throw;
    }
    check_writes();
  }

  void add_page(const Tensor& data, const std::string& axes, const std::optional<IntegerEncoding>& encoding) {
    const PixelLayout layout = pixel_layout(axes, data.shape(), "tiff");
    if (layout.channels > 65535) throw DataError("a tiff file holds at most 65535 channels");
    const bool wide = data.dtype() == DType::F64 || (!is_float(data.dtype()) && dtype_size(data.dtype()) >= 4);
    const Tensor pixels = encoding ? encode_pixels(data, layout, *encoding)
                          : wide   ? interleaved<double>(data, layout, DType::F64)
                                   : interleaved<float>(data, layout, DType::F32);
    guarded([&] { write_page(pixels, !encoding); });
  }

  void write_page(const Tensor& pixels, bool is_float) {
    TIFF* tiff = tiff_.get();
    const std::int64_t height = pixels.axis(0), channels = pixels.axis(2);
    const auto set = [&](std::uint32_t tag, auto value) {
      if (TIFFSetField(tiff, tag, value) == 0) fail();
    };
    const std::size_t row_bytes = pixels.bytes() / static_cast<std::size_t>(height);
    const auto rows = static_cast<std::int64_t>(std::max<std::size_t>(1, kStripBytes / row_bytes));
    set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(pixels.axis(1)));
    set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
    set(TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(channels));
    set(TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * dtype_size(pixels.dtype())));
    set(TIFFTAG_SAMPLEFORMAT, is_float ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    set(TIFFTAG_PHOTOMETRIC, channels == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    if (channels != 1 && channels != 3) {
      const std::vector<std::uint16_t> extra(static_cast<std::size_t>(channels - 1), EXTRASAMPLE_UNSPECIFIED);
      if (TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, static_cast<int>(extra.size()), extra.data()) == 0) fail();
    }
    set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    set(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    set(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(std::min(rows, height)));
    for (std::int64_t y = 0, strip = 0; y < height; y += rows, ++strip) {
      // libtiff takes a pointer to non-const and writes nothing to it, with no swap or compression to do.
      auto* from = const_cast<std::byte*>(pixels.raw()) + static_cast<std::size_t>(y) * row_bytes;
      const auto size = static_cast<tmsize_t>(static_cast<std::size_t>(std::min(rows, height - y)) * row_bytes);
      if (TIFFWriteEncodedStrip(tiff, static_cast<std::uint32_t>(strip), from, size) != size) fail();
    }
    if (TIFFWriteDirectory(tiff) == 0) fail();
  }

  [[noreturn]] static void fail() {
    const std::string& error = tiff_messages().error;
    throw DataError("cannot be a TIFF file: " + (error.empty() ? "libtiff gives no reason" : error));
  }

  void check_writes() const {
    if (storage_.failed_with == EPIPE) die_of_closed_pipe();
    if (storage_.failed_with != 0) throw IoError("write failed: " + errno_text(storage_.failed_with));
  }

  int depth_;
  TiffStorage storage_;
  TiffHandle tiff_{nullptr, TIFFClose};
};

}  // namespace

std::unique_ptr<PageWriter> open_tiff_writer(int descriptor, const WriteOptions& options) {
  return std::make_unique<TiffWriter>(descriptor, options);
}

}  // namespace noiseutils

#include "tensor/tiff_page.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace noiseutils {
namespace {

template <class Value>
Value field(TIFF* tiff, std::uint32_t tag, Value fallback) {
  Value value = fallback;
  if (TIFFGetFieldDefaulted(tiff, tag, &value) == 0) return fallback;
  return value;
}

[[noreturn]] void refuse(const std::string& what) { throw DataError("TIFF " + what + " is not supported"); }

std::string photometric_name(int photometric) {
  switch (photometric) {
    case PHOTOMETRIC_MASK:
      return "transparency mask";
    case PHOTOMETRIC_SEPARATED:
      return "CMYK";
    case PHOTOMETRIC_YCBCR:
      return "YCbCr";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
      return "CIE L*a*b*";
    case PHOTOMETRIC_CFA:
      return "colour filter array";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
      return "LogLuv";
    default:
      return "photometric interpretation " + std::to_string(photometric);
  }
}

void set_kind(TIFF* tiff, TiffPage& page) {
  page.bits = field<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  const int kind = field<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  page.is_float = kind == SAMPLEFORMAT_IEEEFP;
  page.is_signed = kind == SAMPLEFORMAT_INT;
  const std::string text = std::to_string(page.bits) + "-bit ";
  if (kind == SAMPLEFORMAT_COMPLEXINT || kind == SAMPLEFORMAT_COMPLEXIEEEFP) refuse("with complex numbers");
  if (page.is_float) {
    if (page.bits != 16 && page.bits != 32 && page.bits != 64) refuse("with " + text + "floats");
  } else if (page.is_signed) {
    if (page.bits != 8 && page.bits != 16 && page.bits != 32) refuse("with " + text + "signed integers");
  } else if (page.bits < 1 || (page.bits > 16 && page.bits != 32)) {
    refuse("with " + text + "integers");
  }
}

void set_channels(TIFF* tiff, TiffPage& page, std::int64_t colours, const ReadOptions& options) {
  page.stored = field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  if (page.stored < colours) throw DataError("damaged TIFF: too few samples a pixel");
  std::uint16_t extra_count = 0;
  const std::uint16_t* extra = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) == 0) extra_count = 0;
  for (std::int64_t i = 0; i < page.stored; ++i) {
    const std::int64_t e = i - (page.stored - extra_count);
    const bool alpha = e >= 0 && extra != nullptr && extra[e] != EXTRASAMPLE_UNSPECIFIED;
    if (alpha) check_alpha(options);
    if (!alpha) page.channels.push_back(i);
  }
  if (page.channels.empty()) throw DataError("damaged TIFF: no channels");
}

void set_colours(TIFF* tiff, TiffPage& page, const ReadOptions& options) {
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric) == 0)
    photometric =
        field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1) == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  if (photometric == PHOTOMETRIC_YCBCR && page.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    photometric = PHOTOMETRIC_RGB;
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
      if (page.is_float || page.is_signed) refuse("with white 0 and floats or signed integers");
      page.inverted = true;
      [[fallthrough]];
    case PHOTOMETRIC_MINISBLACK:
      return set_channels(tiff, page, 1, options);
    case PHOTOMETRIC_RGB:
      return set_channels(tiff, page, 3, options);
    case PHOTOMETRIC_PALETTE:
      break;
    default:
      refuse("as " + photometric_name(photometric));
  }
  std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  set_channels(tiff, page, 1, options);
  if (page.bits > 16 || page.is_float || page.is_signed || page.channels.size() != 1)
    throw DataError("damaged TIFF: a palette for samples that are no indices");
  if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue) == 0 || red == nullptr || green == nullptr ||
      blue == nullptr)
    throw DataError("damaged TIFF: no colour map");
  page.has_palette = true;
  for (const std::uint16_t* plane : {red, green, blue})
    page.palette.insert(page.palette.end(), plane, plane + (std::size_t{1} << page.bits));
  // 8-bit colours are stored times 257, by old writers as they are.
  const auto all = [&](auto&& holds) { return std::all_of(page.palette.begin(), page.palette.end(), holds); };
  if (all([](std::uint16_t entry) { return entry < 256; })) {
    page.palette_bits = 8;
  } else if (all([](std::uint16_t entry) { return entry % 257 == 0; })) {
    page.palette_bits = 8;
    for (auto& entry : page.palette) entry = static_cast<std::uint16_t>(entry / 257);
  }
}

/// The most bytes that one byte of compressed data becomes; a bound, not an estimate.
std::int64_t largest_ratio(std::uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
      return 1;
    case COMPRESSION_PACKBITS:
      return 64;
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
      return 1032;
    case COMPRESSION_LZW:
      return 2800;
    default:
      return 40000;  // a blank fax line is one bit, a Zstandard run of 128 KiB four bytes
  }
}

/// Nothing is allocated on the word of a header: neither for the image nor for one of its tiles or strips.
void check_against_file(TIFF* tiff, const TiffPage& page, std::size_t file_size) {
  const auto bound = static_cast<double>(file_size) * static_cast<double>(largest_ratio(page.compression)) + 64;
  const double bits =
      static_cast<double>(page.width) * static_cast<double>(page.height) * static_cast<double>(page.stored) * page.bits;
  const auto unit = static_cast<double>(TIFFIsTiled(tiff) != 0 ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff));
  if (bits / 8 > bound || unit < 1 || unit > 2 * bound + 65536)
    throw DataError("damaged TIFF: " + std::to_string(page.width) + " x " + std::to_string(page.height) +
                    " pixels cannot come from " + std::to_string(file_size) + " bytes");
}

}  // namespace

DType TiffPage::dtype() const { return bits >= 32 && !(is_float && bits == 32) ? DType::F64 : DType::F32; }

TiffPage describe_page(TIFF* tiff, std::size_t file_size, const ReadOptions& options) {
  TiffPage page;
  std::uint32_t width = 0, height = 0;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) == 0 || TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) == 0)
    throw DataError("damaged TIFF: a page has no size");
  page.width = width;
  page.height = height;
  check_image_size(width, height);
  page.compression = field<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(page.compression) == 0) refuse("compression " + std::to_string(page.compression));
  set_kind(tiff, page);
  set_colours(tiff, page, options);
  page.planar =
      page.stored > 1 && field<std::uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  check_against_file(tiff, page, file_size);
  return page;
}

ImageSource source_of_page(const TiffPage& page, const ReadOptions& options) {
  ImageSource source;
  source.format = "tiff";
  source.channels = page.record_channels();
  source.is_float = page.is_float;
  source.is_signed = page.is_signed;
  if (page.is_float) {
    source.depth = page.bits;
    source.scale = options.scale ? 1 / *options.scale : 1;
    return source;
  }
  const int bits = page.has_palette ? page.palette_bits : page.bits;
  source.depth = bits <= 8 ? 8 : bits <= 16 ? 16 : 32;
  source.scale = source.full_scale();
  SampleValues(options, source.scale).describe(source);
  return source;
}

}  // namespace noiseutils

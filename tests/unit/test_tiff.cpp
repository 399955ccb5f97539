#include <doctest/doctest.h>
#include <tiffio.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "format_files.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {
namespace {

/// A TIFF file that libtiff itself writes.
Content tiff_file(const char* mode, const std::function<void(TIFF*)>& write) {
  const int descriptor = memfd_create("noiseutils-test", 0);
  TIFF* tiff = TIFFFdOpen(dup(descriptor), "", mode);
  write(tiff);
  TIFFClose(tiff);
  return content_of_descriptor(descriptor);
}

struct Layout {
  std::uint32_t width = 3, height = 2;
  int samples = 1, bits = 8, format = SAMPLEFORMAT_UINT, photometric = PHOTOMETRIC_MINISBLACK;
  int planar = PLANARCONFIG_CONTIG, compression = COMPRESSION_NONE;
};

void describe(TIFF* tiff, const Layout& layout) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, layout.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, layout.height);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, layout.samples);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, layout.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, layout.format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, layout.photometric);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, layout.planar);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, layout.compression);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 1U);
}

/// Pages of equal layout, `rows` one after the other (planes after each other when planar).
template <class Sample>
Content strips(const char* mode, const Layout& layout, std::vector<Sample> samples, int pages = 1) {
  return tiff_file(mode, [&](TIFF* tiff) {
    for (int page = 0; page < pages; ++page) {
      describe(tiff, layout);
      const auto count = TIFFNumberOfStrips(tiff);
      const std::size_t step = samples.size() / count;
      for (std::uint32_t i = 0; i < count; ++i) {
        std::vector<Sample> copy(samples.begin() + static_cast<std::ptrdiff_t>(i * step),
                                 samples.begin() + static_cast<std::ptrdiff_t>((i + 1) * step));
        TIFFWriteEncodedStrip(tiff, i, copy.data(), static_cast<tmsize_t>(step * sizeof(Sample)));
      }
      TIFFWriteDirectory(tiff);
    }
  });
}

const ReadOptions kRaw = [] {
  ReadOptions options;
  options.raw = true;
  return options;
}();

template <class Sample>
void check_kind(int format, const std::vector<Sample>& samples, double full, DType dtype) {
  Layout layout;
  layout.bits = 8 * static_cast<int>(sizeof(Sample));
  layout.format = format;
  std::vector<double> counts(samples.begin(), samples.end());
  for (const char* mode : {"wl", "wb", "wl8", "wb8"}) {
    for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
      layout.compression = compression;
      const Content file = strips(mode, layout, samples);
      CHECK(values_of(read_content(file, kRaw)) == counts);
      const Record scaled = read_content(file);
      CHECK(scaled.require("data").dtype() == dtype);
      double worst = 0;
      const auto values = values_of(scaled);
      for (std::size_t i = 0; i < values.size(); ++i)
        worst = std::max(worst, std::abs(values[i] - counts[i] / full) - std::abs(counts[i] / full) * 1e-7);
      CHECK(worst <= 0);
    }
  }
}

TEST_CASE("tiff: integers and floats of all sizes, byte orders and lossless codecs") {
  check_kind<std::uint8_t>(SAMPLEFORMAT_UINT, {0, 1, 2, 3, 128, 255}, 255, DType::F32);
  check_kind<std::uint16_t>(SAMPLEFORMAT_UINT, {0, 1, 258, 3, 4095, 65535}, 65535, DType::F32);
  check_kind<std::uint32_t>(SAMPLEFORMAT_UINT, {0, 1, 258, 16777217, 4095, 4294967295U}, 4294967295.0, DType::F64);
  check_kind<std::int8_t>(SAMPLEFORMAT_INT, {0, 1, -2, 3, -128, 127}, 127, DType::F32);
  check_kind<std::int16_t>(SAMPLEFORMAT_INT, {0, 1, -258, 3, -32768, 32767}, 32767, DType::F32);
  check_kind<std::int32_t>(SAMPLEFORMAT_INT, {0, 1, -258, 3, -2147483647, 2147483647}, 2147483647.0, DType::F64);
  check_kind<float>(SAMPLEFORMAT_IEEEFP, {0, 1, -0.5F, 1e30F, 7, 65504}, 1, DType::F32);
  check_kind<double>(SAMPLEFORMAT_IEEEFP, {0, 1, -0.1, 1e300, 7, 65504}, 1, DType::F64);
}

TEST_CASE("tiff: half floats") {
  Layout layout;
  layout.bits = 16;
  layout.format = SAMPLEFORMAT_IEEEFP;
  for (const char* mode : {"wl", "wb"})
    CHECK(values_of(read_content(strips<std::uint16_t>(mode, layout, {0, 0x3c00, 0xc000, 0x3555, 1, 0x7bff}))) ==
          std::vector<double>{0, 1, -2, 0.333251953125, 0x1p-24, 65504});
}

TEST_CASE("tiff: samples of fewer bits than a byte or more") {
  Layout layout;
  layout.bits = 4;
  CHECK(values_of(read_content(strips<std::uint8_t>("wl", layout, {0x01, 0x20, 0xfe, 0xd0}), kRaw)) ==
        std::vector<double>{0, 1, 2, 15, 14, 13});
  layout.bits = 1;
  CHECK(values_of(read_content(strips<std::uint8_t>("wl", layout, {0xa0, 0x40}))) ==
        std::vector<double>{1, 0, 1, 0, 1, 0});
  layout.bits = 12;
  const Content packed =
      strips<std::uint8_t>("wl", layout, {0x00, 0x1f, 0xff, 0x80, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90});
  CHECK(values_of(read_content(packed, kRaw)) == std::vector<double>{1, 0xfff, 0x800, 0x123, 0x456, 0x789});
  CHECK(values_of(read_content(packed))[1] == 1);
}

TEST_CASE("tiff: white 0 is turned round") {
  Layout layout;
  layout.photometric = PHOTOMETRIC_MINISWHITE;
  CHECK(values_of(read_content(strips<std::uint8_t>("wl", layout, {0, 1, 2, 3, 254, 255}), kRaw)) ==
        std::vector<double>{255, 254, 253, 252, 1, 0});
  layout.bits = 1;
  CHECK(values_of(read_content(strips<std::uint8_t>("wl", layout, {0xa0, 0x40}))) ==
        std::vector<double>{0, 1, 0, 1, 0, 1});
}

TEST_CASE("tiff: colour, interleaved or plane by plane, in strips or tiles") {
  const std::vector<double> planes = {1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17, 3, 6, 9, 12, 15, 18};
  Layout layout;
  layout.samples = 3;
  layout.photometric = PHOTOMETRIC_RGB;
  std::vector<std::uint16_t> samples(18);
  for (std::size_t i = 0; i < 18; ++i) samples[i] = static_cast<std::uint16_t>(i + 1);
  layout.bits = 16;
  const Record record = read_content(strips("wb", layout, samples), kRaw);
  CHECK(record.meta("axes") == "CHW");
  CHECK(values_of(record) == planes);
  layout.planar = PLANARCONFIG_SEPARATE;
  for (std::size_t i = 0; i < 18; ++i) samples[i] = static_cast<std::uint16_t>(planes[i]);
  CHECK(values_of(read_content(strips("wb", layout, samples), kRaw)) == planes);
  for (const int planar : {PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE}) {
    layout = {.width = 37, .height = 35, .samples = 3, .photometric = PHOTOMETRIC_RGB, .planar = planar};
    const auto pixel = [](std::uint32_t x, std::uint32_t y, std::uint32_t c) {
      return static_cast<std::uint8_t>(x * 3 + y * 7 + c * 50);
    };
    const Content file = tiff_file("wl", [&](TIFF* tiff) {
      describe(tiff, layout);
      TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 16U);
      TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16U);
      const bool separate = planar == PLANARCONFIG_SEPARATE;
      for (std::uint32_t plane = 0; plane < (separate ? 3 : 1); ++plane)
        for (std::uint32_t y = 0; y < 35; y += 16)
          for (std::uint32_t x = 0; x < 37; x += 16) {
            std::vector<std::uint8_t> tile;
            for (std::uint32_t i = 0; i < 256; ++i)
              for (std::uint32_t c = 0; c < (separate ? 1 : 3); ++c)
                tile.push_back(pixel(x + i % 16, y + i / 16, separate ? plane : c));
            TIFFWriteTile(tiff, tile.data(), x, y, 0, static_cast<std::uint16_t>(plane));
          }
    });
    std::vector<double> expected;
    for (std::uint32_t c = 0; c < 3; ++c)
      for (std::uint32_t y = 0; y < 35; ++y)
        for (std::uint32_t x = 0; x < 37; ++x) expected.push_back(pixel(x, y, c));
    CHECK(values_of(read_content(file, kRaw)) == expected);
  }
}

TEST_CASE("tiff: palettes are looked up") {
  for (const int step : {257, 1}) {
    const Content file = tiff_file("wl", [&](TIFF* tiff) {
      describe(tiff, {.width = 4, .height = 1, .bits = 2, .photometric = PHOTOMETRIC_PALETTE});
      std::uint16_t red[4] = {}, green[4] = {}, blue[4] = {};
      for (int i = 0; i < 4; ++i) {
        red[i] = static_cast<std::uint16_t>(i * step);
        green[i] = static_cast<std::uint16_t>(i * 10 * step);
        blue[i] = static_cast<std::uint16_t>(i * 85 * step);
      }
      TIFFSetField(tiff, TIFFTAG_COLORMAP, red, green, blue);
      std::uint8_t row = 0x1e;  // 0 1 3 2
      TIFFWriteEncodedStrip(tiff, 0, &row, 1);
    });
    CHECK(values_of(read_content(file, kRaw)) == std::vector<double>{0, 1, 3, 2, 0, 10, 30, 20, 0, 85, 255, 170});
    CHECK(source_of(read_content(file))->depth == 8);
  }
}

TEST_CASE("tiff: alpha is refused unless dropped, other extra samples are channels") {
  const auto with_extra = [](std::uint16_t kind) {
    return tiff_file("wl", [&](TIFF* tiff) {
      describe(tiff, {.width = 2, .height = 1, .samples = 2});
      TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
      std::uint8_t row[] = {1, 9, 2, 8};
      TIFFWriteEncodedStrip(tiff, 0, row, 4);
    });
  };
  const Content alpha = with_extra(EXTRASAMPLE_UNASSALPHA);
  CHECK(refusal(alpha).find("--drop-alpha") != std::string::npos);
  ReadOptions drop = kRaw;
  drop.drop_alpha = true;
  CHECK(values_of(read_content(alpha, drop)) == std::vector<double>{1, 2});
  CHECK(read_content(alpha, drop).meta("axes") == "HW");
  const Record two = read_content(with_extra(EXTRASAMPLE_UNSPECIFIED), kRaw);
  CHECK(values_of(two) == std::vector<double>{1, 2, 9, 8});
  CHECK(two.meta("axes") == "CHW");
}

TEST_CASE("tiff: pages are samples, or one sample with --stack") {
  const std::vector<std::uint8_t> samples = {1, 2, 3, 4, 5, 6};
  const Content file = strips("wl", {}, samples, 5);
  const auto pages = open_content(file, kRaw);
  CHECK(pages->pages() == 5);
  for (const std::int64_t page : {4, 0, 2, 3})
    CHECK(values_of(pages->read(page)) == std::vector<double>{1, 2, 3, 4, 5, 6});
  ReadOptions stack = kRaw;
  stack.stack_pages = true;
  const Record stacked = read_content(file, stack);
  CHECK(stacked.require("data").shape() == Shape{5, 2, 3});
  CHECK(stacked.meta("axes") == "THW");
  CHECK(open_content(file, stack)->pages() == 1);
  // Written again it is five pages.
  CHECK(open_content(written("x.tif", {stacked}))->pages() == 5);
  const Content unequal = tiff_file("wl", [&](TIFF* tiff) {
    for (const std::uint32_t width : {1U, 2U}) {
      describe(tiff, {.width = width, .height = 1});
      std::uint8_t row[2] = {};
      TIFFWriteEncodedStrip(tiff, 0, row, width);
      TIFFWriteDirectory(tiff);
    }
  });
  CHECK(refusal(unequal).empty());
  CHECK(refusal(unequal, stack).find("cannot be stacked") != std::string::npos);
}

TEST_CASE("tiff: what is not supported is refused by name") {
  const auto says = [](const Layout& layout, const char* words) {
    const std::size_t bytes = static_cast<std::size_t>(layout.samples * layout.bits / 8 * 3);
    const std::string message = refusal(strips("wl", layout, std::vector<std::uint8_t>(2 * bytes)));
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  says({.samples = 4, .photometric = PHOTOMETRIC_SEPARATED}, "CMYK");
  says({.samples = 3, .photometric = PHOTOMETRIC_CIELAB}, "L*a*b*");
  says({.photometric = PHOTOMETRIC_CFA}, "colour filter array");
  says({.bits = 64, .format = SAMPLEFORMAT_COMPLEXIEEEFP}, "complex");
  says({.bits = 64}, "64-bit integers");
  says({.bits = 24, .format = SAMPLEFORMAT_IEEEFP}, "24-bit floats");
  says({.bits = 24}, "24-bit integers");
  says({.bits = 32, .format = SAMPLEFORMAT_IEEEFP, .photometric = PHOTOMETRIC_MINISWHITE}, "white 0");
  const Content imagej = tiff_file("wl", [&](TIFF* tiff) {
    describe(tiff, {.width = 1, .height = 1});
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.53c\nimages=3\n");
    std::uint8_t row[1] = {};
    TIFFWriteEncodedStrip(tiff, 0, row, 1);
  });
  CHECK(refusal(imagej).find("ImageJ") != std::string::npos);
}

TEST_CASE("tiff: values that came from 8 or 16-bit integers are written as such, all else as floats") {
  const auto source_after = [](Tensor data, const std::string& source, int depth = 0) {
    return read_content(written("x.tif", {record_of(std::move(data), "HW", source)}, {.depth = depth})).meta("source");
  };
  const std::string sixteen = R"({"channels":1,"depth":16,"format":"tiff","scale":65535,"space":"linear-or-unknown"})";
  const std::string eight = R"({"channels":1,"depth":8,"format":"tiff","scale":255,"space":"linear-or-unknown"})";
  const std::string floats =
      R"({"channels":1,"depth":32,"format":"tiff","scale":1,"space":"linear-or-unknown","type":"float"})";
  const Tensor zeros = Tensor::of<float>({2, 2}, {0, 0, 0, 0});  // what a fresh tensor holds may be a NaN
  CHECK(source_after(zeros, sixteen) == sixteen);
  CHECK(source_after(zeros, eight) == eight);
  CHECK(source_after(zeros, eight, 16) == sixteen);
  CHECK(source_after(zeros, "") == floats);
  CHECK(source_after(zeros, "", 8) == eight);
  CHECK(source_after(Tensor(DType::U8, {2, 2}), "") == eight);
  CHECK(source_after(Tensor(DType::U16, {2, 2}), "") == sixteen);
}

TEST_CASE("tiff: truncated anywhere, or with sizes that lie, is refused") {
  const std::vector<std::uint8_t> samples = {1, 2, 3, 4, 5, 6};
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    CHECK(prefixes_accepted(strips("wl", {.compression = compression}, samples, 2)) == 0);
    CHECK(prefixes_accepted(strips("wb8", {.compression = compression}, samples, 2)) == 0);
  }
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_CCITTFAX4}) {
    const Content liar = tiff_file("wl", [&](TIFF* tiff) {
      describe(tiff, {.width = 2000000000, .height = 1000000000, .compression = compression});
      if (compression == COMPRESSION_CCITTFAX4) TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 1);
      TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 1000000000U);
      std::uint8_t row[16] = {};
      TIFFWriteRawStrip(tiff, 0, row, 16);
    });
    CHECK(refusal(liar).find("cannot come from") != std::string::npos);
  }
}

}  // namespace
}  // namespace noiseutils

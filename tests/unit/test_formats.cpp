#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "format_files.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {
namespace {

/// Samples 0, step, 2 step ... modulo 2^depth, as values between 0 and 1.
Record integer_sample(const Shape& shape, int depth, const std::string& axes) {
  const double full = std::ldexp(1.0, depth) - 1;
  Tensor data(DType::F32, shape);
  double sample = 0;
  for (float& value : data.mutable_values<float>()) {
    value = static_cast<float>(sample / full);
    sample = std::fmod(sample + (depth == 8 ? 37 : 9973), full + 1);
  }
  ImageSource source;
  source.depth = depth;
  source.scale = full;
  return record_of(data, axes, source_text(source));
}

std::vector<double> times(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

/// A BMP of 2 x 2 pixels of 24 bits: blue, green / red, white from the top.
Content small_bmp() {
  std::string text("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0\0\0\0\0\x10\0\0\0", 38);
  text.append(16, '\0');
  text += std::string("\0\0\xff\xff\xff\xff\0\0\xff\0\0\0\xff\0\0\0", 16);
  return content_of(text);
}

TEST_CASE("formats: known by content when read, by suffix when written") {
  CHECK(format_of_path("a/b.PNG")->name == "png");
  CHECK(format_of_path("x.jpeg")->name == "jpeg");
  CHECK(format_of_path("x.tif")->name == "tiff");
  CHECK(format_of_path("x.gif") == nullptr);
  CHECK(format_of_path(".png") == nullptr);
  CHECK(format_of_path("png") == nullptr);
  CHECK((format_of_path("x.bmp")->create == nullptr));
  for (const char* text : {"", "P", "P7\n", "GIF89a", "BM bare text that begins so", "\xff\xd8", "hello", "PFx"})
    CHECK(format_of_content(content_of(text)) == nullptr);
}

TEST_CASE("formats: integer samples of 8 and 16 bits survive every lossless format") {
  struct Case {
    const char* path;
    Shape shape;
    const char* axes;
  };
  for (const Case& c : {Case{"x.png", {5, 7}, "HW"}, Case{"x.png", {3, 5, 7}, "CHW"}, Case{"x.pgm", {5, 7}, "HW"},
                        Case{"x.ppm", {3, 5, 7}, "CHW"}, Case{"x.pnm", {5, 7}, "HW"}, Case{"x.tif", {5, 7}, "HW"},
                        Case{"x.tif", {3, 5, 7}, "CHW"}, Case{"x.tif", {4, 5, 7}, "CHW"}}) {
    for (const int depth : {8, 16}) {
      CAPTURE(c.path);
      const Record sample = integer_sample(c.shape, depth, c.axes);
      const Content file = written(c.path, {sample});
      const Record back = read_content(file);
      CHECK(back.require("data").shape() == c.shape);
      CHECK(back.require("data").dtype() == DType::F32);
      CHECK(back.meta("axes") == c.axes);
      CHECK(values_of(back) == values_of(sample));
      CHECK(source_of(back)->depth == depth);
      CHECK(written(c.path, {back}) == file);
      CHECK(written(c.path, {sample}) == file);
    }
  }
}

TEST_CASE("formats: floats survive PFM and TIFF") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* path : {"x.pfm", "x.tif"}) {
    for (const bool colour : {false, true}) {
      const Tensor data = colour ? Tensor::of<float>({3, 1, 2}, {-1, 0.1F, 1e30F, 3, 4, 1e-40F})
                                 : Tensor::of<float>({3, 2}, {-1, 0.1F, 1e30F, 3, 4, 1e-40F});
      const Record back = read_content(written(path, {record_of(data, colour ? "CHW" : "HW")}));
      CHECK(values_of(back) == values_of(record_of(data, "")));
      CHECK(back.require("data").shape() == data.shape());
      CHECK_FALSE(source_of(back)->scale != 1);
    }
    const Record with_nan = record_of(Tensor::of<float>({1, 2}, {nan, 1}), "HW");
    CHECK(first_nonfinite(read_content(written(path, {with_nan})).require("data")) == 0);
  }
  const Tensor exact = Tensor::of<double>({1, 2}, {0.1, 1e300});
  const Record back = read_content(written("x.tif", {record_of(exact, "HW")}));
  CHECK(back.require("data").dtype() == DType::F64);
  CHECK(values_of(back) == std::vector<double>{0.1, 1e300});
}

TEST_CASE("formats: JPEG comes back within its quantisation") {
  Tensor data(DType::F32, {3, 32, 32});
  auto values = data.mutable_values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.2F + 0.5F * static_cast<float>(i % 32) / 32;
  const Record back = read_content(written("x.jpg", {record_of(data, "CHW")}));
  CHECK(back.require("data").shape() == data.shape());
  double worst = 0;
  const auto decoded = values_of(back);
  for (std::size_t i = 0; i < decoded.size(); ++i)
    worst = std::max(worst, std::abs(decoded[i] - static_cast<double>(values[i])));
  CHECK(worst < 6.0 / 255);
}

TEST_CASE("formats: a sample with channels last is written like one with channels first") {
  const Record last = record_of(Tensor::of<float>({1, 2, 3}, {0, 0.2F, 0.4F, 0.6F, 0.8F, 1}), "HWC");
  const Record first = record_of(Tensor::of<float>({3, 1, 2}, {0, 0.6F, 0.2F, 0.8F, 0.4F, 1}), "CHW");
  for (const char* path : {"x.png", "x.ppm", "x.pfm", "x.tif", "x.jpg"})
    CHECK(written(path, {last}) == written(path, {first}));
}

TEST_CASE("formats: samples that a format cannot hold are refused") {
  const Record two = record_of(Tensor(DType::F32, {2, 4, 4}), "CHW");
  const Record batch = record_of(Tensor(DType::F32, {3, 4, 4}), "NHW");
  const Record line = record_of(Tensor(DType::F32, {4}), "D");
  for (const char* path : {"x.png", "x.pgm", "x.ppm", "x.jpg", "x.pfm"}) {
    CHECK_THROWS_AS(written(path, {two}), DataError);
    CHECK_THROWS_AS(written(path, {batch}), DataError);
    CHECK_THROWS_AS(written(path, {line}), DataError);
  }
  CHECK_THROWS_AS(written("x.pgm", {integer_sample({3, 2, 2}, 8, "CHW")}), DataError);
  CHECK_THROWS_AS(written("x.ppm", {integer_sample({2, 2}, 8, "HW")}), DataError);
  CHECK_THROWS_AS(written("x.jpg", {integer_sample({2, 2}, 8, "HW")}, {.depth = 16}), UsageError);
}

TEST_CASE("formats: values are scaled, rounded half to even, and clipped; NaN is refused") {
  const auto samples = [](const Record& record, const WriteOptions& options) {
    ReadOptions raw;
    raw.raw = true;
    return values_of(read_content(written("x.pgm", {record}, options), raw));
  };
  const Record values = record_of(Tensor::of<double>({1, 6}, {-1, 0.5 / 255, 1.5 / 255, 2.5 / 255, 0.999, 7}), "HW");
  CHECK(samples(values, {}) == std::vector<double>{0, 0, 2, 2, 255, 255});
  CHECK(samples(values, {.depth = 16}) == std::vector<double>{0, 128, 386, 642, 65469, 65535});
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(samples(record_of(Tensor::of<double>({1, 2}, {infinite, -infinite}), "HW"), {}) == std::vector<double>{255, 0});
  CHECK_THROWS_AS(samples(record_of(Tensor::of<double>({1, 1}, {std::nan("")}), "HW"), {}), DataError);
  // Integers without a source are counts.
  CHECK(samples(record_of(Tensor::of<std::uint8_t>({1, 2}, {3, 255}), "HW"), {}) == std::vector<double>{3, 255});
  CHECK(samples(record_of(Tensor::of<std::uint16_t>({1, 2}, {3, 700}), "HW"), {}) == std::vector<double>{3, 700});
  CHECK(samples(record_of(Tensor::of<std::uint8_t>({1, 2}, {0, 1}).converted(DType::BOOL), "HW"), {}) ==
        std::vector<double>{0, 255});
}

TEST_CASE("formats: the source decides depth and scale, --depth maps full scale to full scale") {
  const auto encoding = [](const std::string& source, int depth) {
    const IntegerEncoding e = integer_encoding(record_of(Tensor(DType::F32, {1, 1}), "HW", source), depth);
    return std::vector<double>{static_cast<double>(e.depth), e.scale};
  };
  const std::string eight = R"({"channels":1,"depth":8,"format":"png","scale":255,"space":"sRGB"})";
  const std::string packed = R"({"channels":1,"depth":12,"format":"png","scale":4095,"space":"sRGB"})";
  const std::string counts = R"({"channels":1,"depth":16,"format":"tiff","scale":1,"space":"sRGB"})";
  const std::string floats = R"({"channels":1,"depth":32,"format":"tiff","scale":1,"type":"float"})";
  CHECK(encoding("", 0) == std::vector<double>{8, 255});
  CHECK(encoding("", 16) == std::vector<double>{16, 65535});
  CHECK(encoding("variable", 0) == std::vector<double>{8, 255});
  CHECK(encoding(eight, 0) == std::vector<double>{8, 255});
  CHECK(encoding(eight, 16) == std::vector<double>{16, 65535});
  CHECK(encoding(packed, 0) == std::vector<double>{12, 4095});
  CHECK(encoding(packed, 8) == std::vector<double>{8, 255});
  CHECK(encoding(counts, 0) == std::vector<double>{16, 1});
  CHECK(encoding(counts, 8) == std::vector<double>{8, 1});
  CHECK(encoding(floats, 0) == std::vector<double>{8, 255});
  CHECK_THROWS_AS(encoding(eight, 12), UsageError);
}

TEST_CASE("formats: --bits, --raw and --scale") {
  const Content file = content_of("P2\n3 1\n65535\n0 100 4095\n");
  ReadOptions options;
  options.bits = 12;
  const Record packed = read_content(file, options);
  CHECK(values_of(packed)[2] == 1);
  CHECK(source_of(packed)->depth == 12);
  CHECK(source_of(packed)->scale == 4095);
  CHECK(refusal(content_of("P2\n1 1\n65535\n4096\n"), options).find("--bits 12") != std::string::npos);
  options.bits = 0;
  options.raw = true;
  CHECK(values_of(read_content(file, options)) == std::vector<double>{0, 100, 4095});
  CHECK(read_content(file, options).meta("source") ==
        R"({"channels":1,"depth":16,"format":"pgm","scale":1,"space":"linear-or-unknown"})");
  options.raw = false;
  options.scale = 0.25;
  const Record scaled = read_content(file, options);
  CHECK(values_of(scaled) == std::vector<double>{0, 25, 1023.75});
  options.scale.reset();
  options.raw = true;
  CHECK(values_of(read_content(written("x.pgm", {scaled}), options)) == std::vector<double>{0, 100, 4095});
}

TEST_CASE("formats: netpbm's six kinds, comments and any maximum") {
  const std::vector<double> ramp = {0, 0.25, 0.5, 1};
  CHECK(values_of(read_content(content_of("P2 # a comment\n2 2\n#and one\n4\n0 1 2 4\n"))) == ramp);
  CHECK(values_of(read_content(content_of(std::string("P5\n2 2\n4\n\0\1\2\4", 13)))) == ramp);
  CHECK(values_of(read_content(content_of(std::string("P5\n2 2\n400\n\0\0\0\x64\0\xc8\1\x90", 19)))) == ramp);
  CHECK(values_of(read_content(content_of("P1\n3 2\n101\n0 1 0\n"))) == std::vector<double>{0, 1, 0, 1, 0, 1});
  CHECK(values_of(read_content(content_of("P4\n3 2\n\xa0\x40"))) == std::vector<double>{0, 1, 0, 1, 0, 1});
  const Record colour = read_content(content_of("P3\n2 1\n255\n255 0 51  0 255 102\n"));
  CHECK(times(values_of(colour), 5) == std::vector<double>{5, 0, 0, 5, 1.0000000149011612, 2.0000000298023224});
  CHECK(colour.meta("axes") == "CHW");
  CHECK(refusal(content_of("P2\n1 1\n4\n5\n")).find("above its maximum") != std::string::npos);
  CHECK(refusal(content_of("P5\n1 1\n4\n\5")).find("above its maximum") != std::string::npos);
  CHECK(refusal(content_of("P5\n1 1\n255\nab")).find("more than one image") != std::string::npos);
  CHECK(refusal(content_of("P2\n1 1\n255\n1 2\n")).find("more than one image") != std::string::npos);
}

TEST_CASE("formats: PFM in both byte orders, rows from the bottom") {
  const std::string one("\x3f\x80\0\0", 4), two("\x40\0\0\0", 4), eno("\0\0\x80\x3f", 4), owt("\0\0\0\x40", 4);
  CHECK(values_of(read_content(content_of("Pf\n1 2\n1.0\n" + one + two))) == std::vector<double>{2, 1});
  CHECK(values_of(read_content(content_of("Pf\n1 2\n-1.0\n" + eno + owt))) == std::vector<double>{2, 1});
  CHECK_FALSE(refusal(content_of("Pf\n1 2\n0\n" + one + two)).empty());
  CHECK_FALSE(refusal(content_of("Pf\n1 2\nnan\n" + one + two)).empty());
  CHECK_FALSE(refusal(content_of("Pf\n1 2\n1.0\n" + one + two + "x")).empty());
}

TEST_CASE("formats: BMP pixels, top row first") {
  const Record record = read_content(small_bmp());
  CHECK(record.require("data").shape() == Shape{3, 2, 2});
  CHECK(values_of(record) == std::vector<double>{0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1});
}

TEST_CASE("formats: truncated at any byte is refused") {
  for (const char* path : {"x.png", "x.pnm", "x.tif", "x.jpg"}) {
    CAPTURE(path);
    CHECK(prefixes_accepted(written(path, {integer_sample({4, 5}, 8, "HW")})) == 0);
    CHECK(prefixes_accepted(written(path, {integer_sample({3, 4, 5}, 8, "CHW")})) == 0);
  }
  CHECK(prefixes_accepted(written("x.pfm", {integer_sample({4, 5}, 8, "HW")})) == 0);
  CHECK(prefixes_accepted(small_bmp()) == 0);
  CHECK(prefixes_accepted(content_of("P2\n3 1\n255\n1 22 133\n")) == 0);
  CHECK(prefixes_accepted(content_of("P1\n3 1\n101")) == 0);
  const Record page = integer_sample({4, 5}, 16, "HW");
  CHECK(prefixes_accepted(written("x.tif", {page, page, page})) == 0);
}

TEST_CASE("formats: a PNG with any byte changed is refused") {
  const Content file = written("x.png", {integer_sample({3, 4, 5}, 16, "CHW")});
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    Content changed = file;
    changed[i] ^= std::byte{0x10};
    accepted += refusal(changed).empty() ? 1 : 0;
  }
  CHECK(accepted == 0);
  Content longer = file;
  longer.push_back(std::byte{0});
  CHECK(refusal(longer).find("follows") != std::string::npos);
}

TEST_CASE("formats: sizes that lie take no memory") {
  CHECK_FALSE(refusal(content_of("P5\n2000000000 2000000000\n65535\nabc")).empty());
  CHECK_FALSE(refusal(content_of("P5\n99999999999999999999 1\n255\nabc")).empty());
  CHECK_FALSE(refusal(content_of("P2\n2000000000 2000000000\n255\n1 2 3\n")).empty());
  CHECK_FALSE(refusal(content_of("P4\n2000000000 2000000000\nabc")).empty());
  CHECK_FALSE(refusal(content_of("PF\n2000000000 2000000000\n-1\nabc")).empty());
  CHECK_FALSE(refusal(content_of("P5\n0 5\n255\n")).empty());
  CHECK_FALSE(refusal(content_of("Pf\n5 0\n-1\n")).empty());
  Content bmp = small_bmp();
  for (const std::size_t at : {20U, 24U}) bmp[at] = std::byte{0x7f};
  CHECK(refusal(bmp).find("ends early") != std::string::npos);
  Content jpeg = written("x.jpg", {integer_sample({8, 8}, 8, "HW")});
  const std::byte marker[] = {std::byte{0xff}, std::byte{0xc0}};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), std::begin(marker), std::end(marker));
  for (std::ptrdiff_t i = 5; i < 9; ++i) frame[i] = std::byte{0xff};
  CHECK(refusal(jpeg).find("cannot come from") != std::string::npos);
}

TEST_CASE("formats: a JPEG whose Huffman table has more than 256 codes is refused before stb overruns its own") {
  Content jpeg = written("x.jpg", {integer_sample({8, 8}, 8, "HW")});
  const std::byte marker[] = {std::byte{0xff}, std::byte{0xc4}};
  const auto table = std::search(jpeg.begin(), jpeg.end(), std::begin(marker), std::end(marker));
  REQUIRE(jpeg.end() - table > 16);
  for (std::ptrdiff_t i = 5; i < 8; ++i) table[i] = std::byte{0x60};
  CHECK(refusal(jpeg).find("Huffman") != std::string::npos);
}

}  // namespace
}  // namespace noiseutils

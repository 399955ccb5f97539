#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "format_files.hpp"

namespace noiseutils {
namespace {

/// An NPY file as NumPy writes it, with any header.
Content npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string text("\x93NUMPY");
  text += version;
  text += '\0';
  const std::size_t length = dictionary.size() + 1;
  text += static_cast<char>(length & 0xff);
  text += static_cast<char>(length >> 8);
  if (version > 1) text.append(2, '\0');
  return content_of(text + dictionary + "\n" + data);
}

std::string dictionary(const std::string& type, const std::string& shape, const char* fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

const std::string kSix = "\1\2\3\4\5\6";

TEST_CASE("npy: every dtype is written and read back, BF16 as F32") {
  const Tensor values = Tensor::of<double>({2, 3}, {0, 1, 2, 3, 100, 127});
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64, DType::U64, DType::I32,
                            DType::U32, DType::I16, DType::U16, DType::I8, DType::U8, DType::BOOL}) {
    const Record sample = record_of(values.converted(dtype), "HW");
    const Record back = read_content(written("x.npy", {sample}));
    CHECK(back.require("data").dtype() == (dtype == DType::BF16 ? DType::F32 : dtype));
    CHECK(values_of(back) == values_of(sample));
    CHECK(back.require("data").shape() == Shape{2, 3});
  }
}

TEST_CASE("npy: axes come from the rank, or from --axes") {
  CHECK(read_content(npy(dictionary("|u1", "(6,)"), kSix)).meta("axes") == "D");
  CHECK(read_content(npy(dictionary("|u1", "(2, 3)"), kSix)).meta("axes") == "HW");
  CHECK(read_content(npy(dictionary("|u1", "(1, 2, 3)"), kSix)).meta("axes") == "NHW");
  CHECK(read_content(npy(dictionary("|u1", "(1, 1, 2, 3)"), kSix)).meta("axes") == "NCHW");
  CHECK(read_content(npy(dictionary("|u1", "()"), "\7")).meta("axes").empty());
  ReadOptions options;
  options.axes = "TZCHW";
  CHECK(read_content(npy(dictionary("|u1", "(1, 1, 1, 2, 3)"), kSix), options).meta("axes") == "TZCHW");
  CHECK_FALSE(refusal(npy(dictionary("|u1", "(1, 1, 1, 2, 3)"), kSix)).empty());
  CHECK_FALSE(refusal(npy(dictionary("|u1", "(2, 3)"), kSix), options).empty());
}

TEST_CASE("npy: both byte orders, all versions, the ways of writing a header") {
  const std::vector<double> one_two = {1, 2};
  CHECK(values_of(read_content(npy(dictionary("<u2", "(2,)"), std::string("\1\0\2\0", 4)))) == one_two);
  CHECK(values_of(read_content(npy(dictionary(">u2", "(2,)"), std::string("\0\1\0\2", 4)))) == one_two);
  CHECK(values_of(read_content(npy(dictionary("u1", "(2,)"), "\1\2"))) == one_two);
  CHECK(values_of(read_content(npy(dictionary("?", "(2,)"), "\1\1"))) == std::vector<double>{1, 1});
  CHECK(values_of(read_content(npy(dictionary("|u1", "(2L,)"), "\1\2"))) == one_two);
  CHECK(values_of(read_content(npy(dictionary("|u1", "(2,)"), "\1\2", 2))) == one_two);
  CHECK(values_of(read_content(npy(dictionary("|u1", "(2,)"), "\1\2", 3))) == one_two);
  CHECK(values_of(read_content(npy("{\"shape\":(2,),\"fortran_order\":True,\"descr\":\"|i1\"}", "\1\2"))) == one_two);
}

TEST_CASE("npy: Fortran order is transposed, whatever the rank") {
  const Content square = npy(dictionary("|u1", "(2, 3)", "True"), kSix);
  CHECK(values_of(read_content(square)) == std::vector<double>{1, 3, 5, 2, 4, 6});
  const Shape shape = {3, 41, 2, 35};
  std::string data;
  std::vector<double> expected;
  const std::int64_t strides[] = {1, 3, 123, 246};
  for (std::int64_t i = 0; i < element_count(shape); ++i) data += static_cast<char>(i * 37 % 101);
  for (std::int64_t a = 0; a < 3; ++a)
    for (std::int64_t b = 0; b < 41; ++b)
      for (std::int64_t c = 0; c < 2; ++c)
        for (std::int64_t d = 0; d < 35; ++d)
          expected.push_back(data[static_cast<std::size_t>(a + b * strides[1] + c * strides[2] + d * strides[3])]);
  CHECK(values_of(read_content(npy(dictionary("|i1", "(3, 41, 2, 35)", "True"), data))) == expected);
}

TEST_CASE("npy: a native file is a view of its bytes") {
  const auto keeper = std::make_shared<Content>(written("x.npy", {record_of(Tensor::of<float>({3}, {1, 2, 3}), "D")}));
  const auto pages = format_of_path("x.npy")->open({*keeper, keeper, true}, {});
  const Record record = pages->read(0);
  CHECK(record.require("data").raw() == keeper->data() + 128);
  CHECK(record.require("data").never_written());
}

TEST_CASE("npy: samples are stacked, unequal ones refused") {
  const Record a = record_of(Tensor::of<float>({1, 2}, {1, 2}), "HW");
  const Record b = record_of(Tensor::of<float>({1, 2}, {3, 4}), "HW");
  const Record both = read_content(written("x.npy", {a, b}));
  CHECK(both.require("data").shape() == Shape{2, 1, 2});
  CHECK(values_of(both) == std::vector<double>{1, 2, 3, 4});
  CHECK_THROWS_AS(written("x.npy", {a, record_of(Tensor::of<float>({2}, {1, 2}), "D")}), DataError);
  CHECK_THROWS_AS(written("x.npy", {a, record_of(Tensor::of<double>({1, 2}, {1, 2}), "HW")}), DataError);
}

TEST_CASE("npy: --scale multiplies, as float or double") {
  ReadOptions options;
  options.scale = 0.5;
  const Record bytes = read_content(npy(dictionary("|u1", "(6,)"), kSix), options);
  CHECK(bytes.require("data").dtype() == DType::F32);
  CHECK(values_of(bytes) == std::vector<double>{0.5, 1, 1.5, 2, 2.5, 3});
  const Content wide = npy(dictionary("<u4", "(1,)"), std::string("\xff\xff\xff\xff", 4));
  CHECK(values_of(read_content(wide, options)) == std::vector<double>{4294967295.0 / 2});
}

TEST_CASE("npy: what cannot be read is refused by name") {
  const auto says = [](const Content& content, const char* words) {
    const std::string message = refusal(content);
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  says(npy(dictionary("|O", "(6,)"), kSix), "Python objects");
  says(npy(dictionary("<c8", "(6,)"), kSix), "complex");
  says(npy(dictionary("<U3", "(6,)"), kSix), "text");
  says(npy(dictionary("|V6", "(1,)"), kSix), "structured");
  says(npy(dictionary("<M8[ns]", "(6,)"), kSix), "times");
  says(npy(dictionary("<f16", "(6,)"), kSix), "float of another size");
  says(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", kSix), "structured");
  says(npy(dictionary("|u1", "(0,)"), ""), "no elements");
  says(npy(dictionary("|u1", "(5,)"), kSix), "does not fit");
  says(npy(dictionary("|u1", "(7,)"), kSix), "does not fit");
  says(npy(dictionary("<f4", "(1,)"), kSix), "does not fit");
  says(npy(dictionary("|u1", "(10995116277760,)"), kSix), "does not fit");
  says(npy(dictionary("<f8", "(4611686018427387904,)"), kSix), "does not fit");
  says(npy(dictionary("|u1", "(-6,)"), kSix), "negative");
  says(npy(dictionary("|u1", "(4294967296, 4294967296, 4294967296)"), kSix), "too large");
  says(npy(dictionary("|u1", "(99999999999999999999,)"), kSix), "out of range");
  says(npy(dictionary("|u1", "(6)"), kSix), "tuple");
  says(npy(dictionary("|u1", "(6.0,)"), kSix), "no tuple");
  says(npy(dictionary("|u1", "(6,)", "0"), kSix), "True or False");
  says(npy(dictionary("|u2", "(3,)"), kSix), "byte order");
  says(npy(dictionary("|u1", "(6,)") + "x", kSix), "follows");
  says(npy("{'descr': '|u1', 'shape': (6,)}", kSix), "missing");
  says(npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (6,)}", kSix), "twice");
  says(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (6,), 'x': 1}", kSix), "unknown key");
  says(npy(dictionary("|u1", "(6,)"), kSix, 4), "version 4.0");
}

TEST_CASE("npy: truncated anywhere is refused") {
  CHECK(prefixes_accepted(npy(dictionary("|u1", "(2, 3)"), kSix)) == 0);
  CHECK(prefixes_accepted(npy(dictionary("|u1", "(2, 3)"), kSix, 2)) == 0);
}

}  // namespace
}  // namespace noiseutils

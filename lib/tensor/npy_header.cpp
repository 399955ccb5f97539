#include "tensor/npy_header.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"

namespace noiseutils {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// Reads the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and nothing else.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'");
  }
  std::string_view string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a string does not end");
    const std::string_view inside = text_.substr(at_, end - at_);
    if (inside.find('\\') != std::string_view::npos) fail("a string has an escape");
    at_ = end + 1;
    return inside;
  }
  bool boolean() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail("expected True or False");
  }
  std::int64_t integer() {
    skip_spaces();
    std::int64_t value = 0;
    const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (status == std::errc::result_out_of_range) fail("an axis is out of range");
    if (status != std::errc{}) fail("expected a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    accept('L');  // Python 2 wrote its long integers so
    return value;
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(integer());
      if (shape.size() > 64) fail("the shape has more than 64 axes");
      if (accept(',')) continue;
      if (shape.size() == 1) fail("the shape is no tuple");
      expect(')');
      break;
    }
    return shape;
  }
  void end() {
    skip_spaces();
    if (at_ != text_.size()) fail("something follows the dictionary");
  }
  bool next_is(char c) {
    skip_spaces();
    return at_ < text_.size() && text_[at_] == c;
  }
  [[noreturn]] static void fail(const std::string& what) { throw DataError("NPY header: " + what); }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct TypeCode {
  std::string_view code;
  DType dtype;
};
constexpr TypeCode kTypeCodes[] = {{"f8", DType::F64}, {"f4", DType::F32}, {"f2", DType::F16}, {"i8", DType::I64},
                                   {"u8", DType::U64}, {"i4", DType::I32}, {"u4", DType::U32}, {"i2", DType::I16},
                                   {"u2", DType::U16}, {"i1", DType::I8},  {"u1", DType::U8},  {"b1", DType::BOOL}};

/// The words for a type code that is refused.
std::string kind_of(std::string_view code) {
  switch (code.empty() ? ' ' : code[0]) {
    case 'O':
      return "Python objects";
    case 'c':
      return "complex numbers";
    case 'S':
    case 'a':
    case 'U':
      return "text";
    case 'V':
      return "raw or structured data";
    case 'M':
    case 'm':
      return "times";
    case 'f':
      return "a float of another size than 2, 4 or 8 bytes";
    default:
      return "unknown";
  }
}

void set_type(NpyHeader& header, std::string_view descr) {
  std::string_view code = descr;
  char order = '=';
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
    order = code[0];
    code.remove_prefix(1);
  }
  header.swapped = order == (kLittleEndian ? '>' : '<');
  if (code == "?") code = "b1";
  for (const TypeCode& type : kTypeCodes) {
    if (type.code != code) continue;
    if (order == '|' && dtype_size(type.dtype) > 1)
      Literal::fail("type \"" + std::string(descr) + "\" has no byte order");
    header.dtype = type.dtype;
    return;
  }
  throw DataError("NPY type \"" + std::string(descr) + "\" (" + kind_of(code) + ") is not supported");
}

void parse_dictionary(NpyHeader& header, std::string_view text) {
  Literal literal(text);
  bool has_type = false, has_order = false, has_shape = false;
  const auto once = [](bool& seen, std::string_view key) {
    if (seen) Literal::fail("key '" + std::string(key) + "' comes twice");
    seen = true;
  };
  literal.expect('{');
  while (!literal.accept('}')) {
    const std::string_view key = literal.string();
    literal.expect(':');
    if (key == "descr") {
      once(has_type, key);
      if (literal.next_is('[')) throw DataError("NPY structured types are not supported");
      set_type(header, literal.string());
    } else if (key == "fortran_order") {
      once(has_order, key);
      header.fortran_order = literal.boolean();
    } else if (key == "shape") {
      once(has_shape, key);
      header.shape = literal.tuple();
    } else {
      Literal::fail("unknown key");
    }
    if (literal.accept(',')) continue;
    literal.expect('}');
    break;
  }
  literal.end();
  if (!has_type || !has_order || !has_shape) Literal::fail("'descr', 'fortran_order' or 'shape' is missing");
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> file) {
  NpyHeader header{};
  if (file.size() < 10) Literal::fail("the file is truncated");
  const int major = std::to_integer<int>(file[6]);
  if (major < 1 || major > 3 || file[7] != std::byte{0})
    Literal::fail("version " + std::to_string(major) + "." + std::to_string(std::to_integer<int>(file[7])) +
                  " is not supported (1.0 to 3.0 are)");
  const std::size_t prefix = major == 1 ? 10 : 12;
  if (file.size() < prefix) Literal::fail("the file is truncated");
  const std::size_t length = major == 1 ? load_little<std::uint16_t>(&file[8]) : load_little<std::uint32_t>(&file[8]);
  if (length > file.size() - prefix) Literal::fail("the file is truncated");
  header.data_offset = prefix + length;
  parse_dictionary(header, {reinterpret_cast<const char*>(file.data()) + prefix, length});
  return header;
}

std::string npy_header_text(DType dtype, const Shape& shape, std::size_t size) {
  std::string text(kMagic);
  text.append({1, 0, 0, 0});
  std::string_view code;
  for (const TypeCode& type : kTypeCodes)
    if (type.dtype == dtype) code = type.code;
  if (code.empty()) throw DataError("NPY has no type for " + std::string(dtype_name(dtype)));
  const char order = dtype_size(dtype) == 1 ? '|' : kLittleEndian ? '<' : '>';
  text += "{'descr': '" + (order + std::string(code)) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += std::to_string(shape[i]) + (i + 1 < shape.size() ? ", " : shape.size() == 1 ? "," : "");
  text += "), }";
  if (size == 0) size = (text.size() + 1 + 63) / 64 * 64;
  text.resize(size - 1, ' ');
  text += '\n';
  text[8] = static_cast<char>((size - 10) & 0xff);
  text[9] = static_cast<char>((size - 10) >> 8);
  return text;
}

}  // namespace noiseutils

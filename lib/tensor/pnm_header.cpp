#include "tensor/pnm_header.hpp"

#include <string>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {

bool is_pnm_space(std::byte byte) {
  const auto c = static_cast<char>(byte);
  return c == ' ' || (c >= '\t' && c <= '\r');
}

void PnmHeader::skip_spaces() {
  for (; at_ < file_.size(); ++at_) {
    if (file_[at_] == std::byte{'#'}) {
      while (at_ < file_.size() && file_[at_] != std::byte{'\n'} && file_[at_] != std::byte{'\r'}) ++at_;
      if (at_ == file_.size()) return;
    } else if (!is_pnm_space(file_[at_])) {
      return;
    }
  }
}

std::int64_t PnmHeader::integer(const char* what) {
  skip_spaces();
  const std::size_t begin = at_;
  std::int64_t value = 0;
  for (; at_ < file_.size() && file_[at_] >= std::byte{'0'} && file_[at_] <= std::byte{'9'}; ++at_) {
    value = value * 10 + (static_cast<int>(file_[at_]) - '0');
    if (value > 0x7fffffff) throw DataError(std::string(what) + " is too large");
  }
  // Digits at the very end may be the beginning of a longer number.
  if (at_ == file_.size()) throw DataError("is truncated: no white space after " + std::string(what));
  if (at_ == begin || (!is_pnm_space(file_[at_]) && file_[at_] != std::byte{'#'}))
    throw DataError(std::string(what) + " is not a number");
  return value;
}

double PnmHeader::number(const char* what) {
  skip_spaces();
  std::string word;
  for (; at_ < file_.size() && !is_pnm_space(file_[at_]) && word.size() < 64; ++at_)
    word += static_cast<char>(file_[at_]);
  try {
    return parse_number(word.starts_with('+') ? word.substr(1) : word);
  } catch (const UsageError& error) {
    throw DataError(std::string(what) + " is not a number");
  }
}

int PnmHeader::bit() {
  skip_spaces();
  if (at_ == file_.size()) throw DataError("is truncated");
  const auto c = static_cast<char>(file_[at_++]);
  if (c != '0' && c != '1') throw DataError("holds a pixel that is neither 0 nor 1");
  return c - '0';
}

std::size_t PnmHeader::end_of_header() {
  if (at_ >= file_.size()) throw DataError("is truncated: no pixels");
  if (!is_pnm_space(file_[at_])) throw DataError("no white space after the header");
  return ++at_;
}

void PnmHeader::expect_end() {
  skip_spaces();
  if (at_ != file_.size()) throw DataError("holds more than one image");
}

}  // namespace noiseutils

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace noiseutils {

bool is_pnm_space(std::byte byte);

/// The text after the two letters that begin a PNM or PFM file: numbers apart by white space and # comments.
class PnmHeader {
 public:
  explicit PnmHeader(std::span<const std::byte> file) : file_(file) {}
  /// The next number of digits alone. Throws DataError naming `what`, also above 2^31 - 1.
  std::int64_t integer(const char* what);
  /// The next word as a finite real number.
  double number(const char* what);
  /// The next digit 0 or 1 of an ASCII bitmap, which need no space between them.
  int bit();
  /// Passes the one white space character after the header; returns where the data begins.
  std::size_t end_of_header();
  /// Throws DataError unless only white space is left.
  void expect_end();

 private:
  void skip_spaces();

  std::span<const std::byte> file_;
  std::size_t at_ = 2;
};

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <string>

namespace noiseutils {

/// Names a set of samples by their content hashes, whatever their order: their number and two sums of them, 128 bits.
/// Equal for equal samples; two sets that differ have equal digests with chance 2^-128 (not against forgery).
class SampleDigest {
 public:
  void add(std::uint64_t content_hash);
  /// Adds the samples of another set, those that both have twice.
  void add(const SampleDigest& other);
  /// As states hold it: NUMBER-SUM-SUM, the sums of 16 hexadecimal digits.
  std::string text() const;
  /// What text() wrote. DataError if it is not that.
  static SampleDigest from_text(const std::string& text);

  bool operator==(const SampleDigest&) const = default;

 private:
  std::uint64_t count_ = 0, plain_ = 0, mixed_ = 0;  // sums modulo 2^64
};

}  // namespace noiseutils

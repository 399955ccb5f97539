#include "train/sample_digest.hpp"

#include <cstdio>

#include "base/error.hpp"

namespace noiseutils {
namespace {

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection without linear structure, so that the two sums
/// are independent.
std::uint64_t scrambled(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

}  // namespace

void SampleDigest::add(std::uint64_t content_hash) {
  ++count_;
  plain_ += content_hash;
  mixed_ += scrambled(content_hash + 0x9e3779b97f4a7c15u);
}

void SampleDigest::add(const SampleDigest& other) {
  count_ += other.count_;
  plain_ += other.plain_;
  mixed_ += other.mixed_;
}

std::string SampleDigest::text() const {
  char text[64];
  std::snprintf(text, sizeof text, "%llu-%016llx-%016llx", static_cast<unsigned long long>(count_),
                static_cast<unsigned long long>(plain_), static_cast<unsigned long long>(mixed_));
  return text;
}

SampleDigest SampleDigest::from_text(const std::string& text) {
  unsigned long long count = 0, plain = 0, mixed = 0;
  SampleDigest digest;
  if (std::sscanf(text.c_str(), "%20llu-%16llx-%16llx", &count, &plain, &mixed) == 3) {
    digest.count_ = count;
    digest.plain_ = plain;
    digest.mixed_ = mixed;
  }
  if (digest.text() != text) throw DataError("is a damaged state: \"" + text.substr(0, 60) + "\" is no digest");
  return digest;
}

}  // namespace noiseutils

#include "tensor/content_hash.hpp"

#include <algorithm>
#include <bit>

namespace noiseutils {
namespace {

/// A bijection of 64 bits in which every bit of the result depends on every bit of x.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  return x ^ x >> 32;
}

std::uint64_t absorbed(std::uint64_t state, std::uint64_t word) {
  return std::rotl((state ^ word) * 0x9e3779b97f4a7c15, 29);
}

}  // namespace

std::uint64_t content_hash(const Tensor& sample) {
  std::uint64_t lanes[4] = {1, 2, 3, 4};  // independent chains: a single one waits for its multiplications
  std::uint64_t number = 0;
  constexpr std::int64_t kPiece = 1 << 16;
  const Tensor flat = sample.reshaped({sample.size()});
  for (std::int64_t first = 0; first < flat.size(); first += kPiece) {
    const Tensor piece = flat.slice(first, std::min(kPiece, flat.size() - first)).converted(DType::F32);
    for (const float value : piece.values<float>()) {
      std::uint64_t& lane = lanes[number++ % 4];
      lane = absorbed(lane, std::bit_cast<std::uint32_t>(value == 0 ? 0.0f : value));  // -0 equals 0
    }
  }
  std::uint64_t hash = sample.rank();
  for (const std::int64_t axis : sample.shape()) hash = absorbed(hash, mixed(static_cast<std::uint64_t>(axis)));
  for (const std::uint64_t lane : lanes) hash = absorbed(hash, mixed(lane));
  return mixed(hash);
}

std::string content_hash_text(const Tensor& sample) { return content_hash_text(content_hash(sample)); }

std::string content_hash_text(std::uint64_t hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[hash >> shift & 15];
  return text;
}

}  // namespace noiseutils

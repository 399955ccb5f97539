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

/// -0 equals 0: the sum of both is 0.
std::uint64_t word_of(float value) { return std::bit_cast<std::uint32_t>(value + 0.0f); }

}  // namespace

std::uint64_t content_hash(const Tensor& sample) {
  std::uint64_t lanes[4] = {1, 2, 3, 4};    // independent chains: a single one waits for its multiplications
  constexpr std::int64_t kPiece = 1 << 16;  // a multiple of the lanes
  const Tensor flat = sample.reshaped({sample.size()});
  for (std::int64_t first = 0; first < flat.size(); first += kPiece) {
    const Tensor piece = flat.slice(first, std::min(kPiece, flat.size() - first)).converted(DType::F32);
    const auto values = piece.values<float>();
    std::size_t i = 0;
    std::uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];  // in registers: memory would add its delay
    for (; i + 4 <= values.size(); i += 4) {
      a = absorbed(a, word_of(values[i]));
      b = absorbed(b, word_of(values[i + 1]));
      c = absorbed(c, word_of(values[i + 2]));
      d = absorbed(d, word_of(values[i + 3]));
    }
    lanes[0] = a, lanes[1] = b, lanes[2] = c, lanes[3] = d;
    for (std::size_t lane = 0; i < values.size(); ++i, ++lane) lanes[lane] = absorbed(lanes[lane], word_of(values[i]));
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

#include <array>
#include <numeric>
#include <utility>

#include "random/random.hpp"
#include "random/stream.hpp"

namespace noiseutils {
namespace {

/// The 64-bit numbers of a stream, one after the other.
class Sequence {
 public:
  explicit Sequence(const StreamKey& key) : stream_(philox_stream(key)) {}

  std::uint64_t next() {
    if (position_ % 2 == 0) words_ = block_words(stream_, position_ / 2);
    const std::size_t half = 2 * (position_++ % 2);
    return words_[half] | static_cast<std::uint64_t>(words_[half + 1]) << 32;
  }

  /// Uniform on 0 ... bound - 1, without bias.  Lemire, "Fast random integer generation in an interval", ACM TOMACS 29
  /// (2019).
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t threshold = -bound % bound;  // 2^64 mod bound: that many low halves would be too many
    Wide product;
    do product = static_cast<Wide>(next()) * bound;
    while (static_cast<std::uint64_t>(product) < threshold);
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  PhiloxStream stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint32_t, 4> words_{};
};

}  // namespace

std::vector<std::uint64_t> permutation(const StreamKey& key, std::uint64_t n) {
  std::vector<std::uint64_t> result(n);
  std::iota(result.begin(), result.end(), std::uint64_t{0});
  Sequence sequence(key);
  for (std::uint64_t left = n; left > 1; --left) std::swap(result[left - 1], result[sequence.below(left)]);
  return result;
}

}  // namespace noiseutils

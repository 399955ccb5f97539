#include "random/stream.hpp"

namespace noiseutils {

PhiloxStream philox_stream(const StreamKey& key) {
  const auto words = philox_key(key);
  return {{words[0], words[1]}, {static_cast<std::uint32_t>(key.sample), static_cast<std::uint32_t>(key.sample >> 32)}};
}

std::array<std::uint32_t, 4> block_words(const PhiloxStream& stream, std::uint64_t block) {
  return philox4x32(
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), stream.sample[0], stream.sample[1]},
      {stream.key[0], stream.key[1]});
}

}  // namespace noiseutils

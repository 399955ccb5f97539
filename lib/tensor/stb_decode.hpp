#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace noiseutils {

/// Interleaved samples as stb_image hands them over: std::uint8_t, or std::uint16_t in this machine's byte order.
struct DecodedImage {
  std::int64_t width = 0, height = 0, channels = 0;
  std::unique_ptr<void, void (*)(void*)> samples{nullptr, nullptr};

  template <class Sample>
  const Sample* as() const {
    return static_cast<const Sample*>(samples.get());
  }
};

/// Decodes a PNG, JPEG or BMP that comes in pieces, with `wide` as 16-bit samples. No allocation is larger than
/// `largest_allocation` bytes, whatever the file claims or its compressed data unpack to. Throws DataError with stb's
/// reason.
DecodedImage decode_with_stb(const std::vector<std::span<const std::byte>>& pieces, std::size_t largest_allocation,
                             bool wide);

}  // namespace noiseutils

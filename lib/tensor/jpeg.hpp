#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// 8-bit pixels (height x width x channels, interleaved, 1 or 3 channels) as they come back from a JPEG file of this
/// quality, 1 to 100. Throws DataError above 65535 pixels a side.
std::vector<std::uint8_t> through_jpeg(const std::vector<std::uint8_t>& pixels, std::int64_t height, std::int64_t width,
                                       std::int64_t channels, int quality);

}  // namespace noiseutils

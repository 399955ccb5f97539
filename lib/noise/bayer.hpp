#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace noiseutils {

/// Three planes (red, green, blue; row-major, height x width, both at least 2) as a sensor with a Bayer mosaic would
/// see them, each colour filled in again by bilinear interpolation: every value that the mosaic measured stays, the
/// others are the mean of the nearest two or four that it did, mirrored at the borders. pattern: the colours of the
/// first two rows' first two pixels, "rggb", "bggr", "grbg" or "gbrg".
void through_bayer_mosaic(std::span<double> planes, std::int64_t height, std::int64_t width,
                          const std::string& pattern);

}  // namespace noiseutils

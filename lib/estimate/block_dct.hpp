#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "estimate/plane.hpp"

namespace noiseutils {

inline constexpr std::int64_t kBlockSide = 8;
inline constexpr std::size_t kFrequencies = 64;

/// A coefficient (i, j) of an 8x8 block tells structure if 0 < i + j < 9, noise if i + j >= 9 (21 of them).
inline constexpr int kFirstHigh = 9;
/// The row-major numbers of the 21.
const std::vector<std::size_t>& high_frequencies();

/// An 8x8 block of a plane by the squares of its orthonormal 2-D DCT.
struct Block {
  float mean = 0;
  float low = 0;   ///< mean square of the coefficients of structure
  float high = 0;  ///< of those of noise: its expectation is the variance of white noise where there is no structure
  std::uint8_t tile = 0;
  std::uint16_t plane = 0;
  std::uint32_t place = 0;  ///< its number in the plane's grid of blocks
};

/// The blocks of planes, overlapping, so many that there are about 2^18 at most: larger planes are sampled on a grid.
/// Left out: blocks with a clipped value, and those of one value only (borders, masks).
/// Throws DataError if none is left.
/// Source: Ponomarenko et al., "An automatic approach to lossy compression of AVIRIS images", 2007; Colom, Buades,
/// "Analysis and extension of the Ponomarenko et al. method", IPOL 2013.
std::vector<Block> dct_blocks(const std::vector<Plane>& planes);

/// Sums of squared coefficients over blocks, by tile.
struct BlockSpectrum {
  std::array<std::array<double, kFrequencies>, kTiles> squares{};
  std::array<double, kTiles> weight{};

  /// The mean squares, without one tile (all: kTiles). NaN if there are none.
  std::array<double, kFrequencies> mean(std::size_t without = kTiles) const;
};

/// The spectrum of some of dct_blocks(planes), block b with weight weights[b]; in one more pass over the planes.
BlockSpectrum spectrum_of(const std::vector<Plane>& planes, const std::vector<Block>& blocks,
                          const std::vector<double>& weights);

}  // namespace noiseutils

#pragma once

#include <array>
#include <cstdint>

#include "random/kernels.hpp"
#include "random/philox.hpp"

namespace noiseutils {

/// The Philox key and the upper half of the counter of a stream.
PhiloxStream philox_stream(const StreamKey& key);

/// The four words of one block of a stream.
std::array<std::uint32_t, 4> block_words(const PhiloxStream& stream, std::uint64_t block);

}  // namespace noiseutils

#pragma once

#include <array>
#include <cstdint>

namespace noiseutils {

/// What a random number is for: part of its key, so that no two uses share numbers. Values are frozen
/// (noiseutils-stream(5)).
enum class Purpose : std::uint32_t {
  noise = 1,       ///< the noise of a sample
  noise_aux = 2,   ///< a second, independent part of the same noise (read noise beside shot noise)
  source = 3,      ///< synthetic images
  parameters = 4,  ///< parameters drawn for a sample
  sampler = 5,     ///< the starting state and the noise of a diffusion sampler
  train = 6,
  probe = 7,       ///< probes of Monte-Carlo estimators
  resample = 8,    ///< bootstrap and permutation tests
  operators = 9,   ///< random operators before the noise
  posterior = 10,  ///< draws of a clean sample given the noisy one
  codebook = 11,   ///< codebooks of the noise of a sampler, shared by all samples
};

/// Names one stream of random numbers. `sample` is the global index of the sample, `copy` the copy or step within it.
struct StreamKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::noise;
  std::uint64_t sample = 0;
  std::uint64_t copy = 0;
};

/// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// The Philox key of a stream: the first two words of Philox(counter = (copy lo, copy hi, purpose, 0), key = seed).
/// The counter within a stream is (block lo, block hi, sample lo, sample hi).
std::array<std::uint32_t, 2> philox_key(const StreamKey& stream);

}  // namespace noiseutils

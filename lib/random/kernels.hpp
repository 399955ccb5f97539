#pragma once

#include <cstddef>
#include <cstdint>

namespace noiseutils {

// The layout of every stream, frozen (noiseutils-stream(5)). A stream is a Philox key k and a sample number s; block b
// of it is the four words w0 ... w3 = Philox(counter = (b lo, b hi, s lo, s hi), k).
//
// Uniform and normal numbers, float: tiles of 64 elements = 16 blocks of 4 words.
//   element 64 t + 16 j + l  is made from word j of block 16 t + l          (t >= 0, 0 <= j < 4, 0 <= l < 16)
//   Normals come in pairs: words 0 and 1 of a block give the elements j = 0 and 1, words 2 and 3 the elements 2 and 3;
//   the first word of a pair is the radius, the second the angle, the first element the cosine, the second the sine.
// Uniform and normal numbers, double: tiles of 32 elements = 16 blocks of two 64-bit numbers.
//   element 32 t + 16 j + l  is made from n_j = w_2j + 2^32 w_2j+1 of block 16 t + l      (0 <= j < 2, 0 <= l < 16)
//   n_0 is the radius and n_1 the angle of the pair of normals j = 0 (cosine) and j = 1 (sine).
// Poisson and gamma numbers: trial a of element e is made from block e + 2^48 a (e < 2^48, a < 65535); block
//   e + 2^48 65535 is the boost of a gamma shape below 1.
// Permutations and bounded integers: the 64-bit numbers n_0, n_1 of blocks 0, 1, 2 ... one after the other.

constexpr std::size_t kLanes = 16;
constexpr std::size_t kFloatTile = 4 * kLanes;
constexpr std::size_t kDoubleTile = 2 * kLanes;
constexpr std::uint64_t kTrialStride = std::uint64_t{1} << 48;
constexpr std::uint64_t kTrials = 65535;

/// What the counters of a stream share.
struct PhiloxStream {
  std::uint32_t key[2];
  std::uint32_t sample[2];
};

constexpr std::size_t kPool = 256;

/// Elements whose trials are made together, 16 at a time.
struct PoissonPool {
  std::uint64_t block[kPool];
  double mean[kPool];
  double count[kPool];
  double verdict[kPool];  ///< of rejection.hpp
};

constexpr std::size_t kRejectionTile = 64;

/// First trials of kRejectionTile gamma numbers. `value` is without the boost, `boost` is 1 for shapes from 1.
struct GammaTile {
  double shape[kRejectionTile];
  double value[kRejectionTile];
  double boost[kRejectionTile];
  double x[kRejectionTile];
  double u[kRejectionTile];
  double pending[kRejectionTile];
};

/// The hot loops, compiled once an instruction set from kernels.isa.cpp. All give the same bytes.
struct Kernels {
  const char* isa;
  void (*uniform_float)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, float* out);
  void (*uniform_double)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, double* out);
  void (*normal_float)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, float* out);
  void (*normal_double)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, double* out);
  /// y = x + sigma n; x may equal y.
  void (*add_normal_float)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, const float* x,
                           float sigma, float* y);
  void (*add_normal_double)(const PhiloxStream& stream, std::uint64_t tile, std::uint64_t tiles, const double* x,
                            double sigma, double* y);
  /// Counts of means below 10 by inversion, for the first `groups` times 16 elements of the pool.
  void (*poisson_inversion)(const PhiloxStream& stream, std::size_t groups, PoissonPool& pool);
  /// One trial of PTRS for each of them, means from 10.
  void (*poisson_trials)(const PhiloxStream& stream, std::size_t groups, PoissonPool& pool);
  /// Elements first ... first + kRejectionTile - 1.
  void (*gamma_tile)(const PhiloxStream& stream, std::uint64_t first, GammaTile& tile);
};

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

/// The kernels in use: those of active_isa().
const Kernels& active_kernels();

/// The kernels of an instruction set, for tests and benchmarks; null if unknown or not available on this processor.
const Kernels* find_kernels(const char* isa);

/// What NOISEUTILS_ISA=`wanted` asks for; null or "": the best of this processor. Throws UsageError if unknown or not
/// available.
const Kernels& choose_kernels(const char* wanted);

/// Makes active_kernels() return these until called with null. For tests; not while other threads draw.
void force_kernels(const Kernels* kernels);

}  // namespace noiseutils

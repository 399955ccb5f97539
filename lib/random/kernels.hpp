#pragma once

#include <cstddef>
#include <cstdint>

namespace noiseutils {

// The layout of every stream, frozen (noiseutils-stream(5)). A stream is a Philox key k and a sample number s; block b
// of it is the four words w0 ... w3 = Philox(counter = (b lo, b hi, s lo, s hi), k), or two numbers of 64 bits, n0 = w0
// + 2^32 w1 and n1 = w2 + 2^32 w3. A uniform number of (0, 1) is (w + 1/2) 2^-32, or with m the leading 53 bits of n,
// (m + 1/2) 2^-53; rounded (a word for float is itself rounded first), and never 1 but the largest number below it.
//
// Uniform and normal numbers, float: tiles of 64 elements from 16 blocks of 4 words.
//   Element 64 t + 16 j + l is made from word j of block 16 t + l                   (0 <= j < 4, 0 <= l < 16).
//   Normals come in pairs, j = 0 and 1, j = 2 and 3: the first word of a pair is the radius, sqrt(-2 log U); the second
//   the angle; the first element is radius times cosine, the second radius times sine.
// Uniform and normal numbers, double: tiles of 32 elements from 16 blocks of two 64-bit numbers.
//   Element 32 t + 16 j + l is made from number j of block 16 t + l                 (0 <= j < 2, 0 <= l < 16).
//   Normals: n0 is the radius and n1 the angle of the pair j = 0 (cosine) and j = 1 (sine).
// Angle of a word or number: its leading bit is the sign of the cosine, the next one swaps cosine and sine, the others
//   (52 of them in double) are a two's complement fraction f of [-1, 1): cos and sin of (f + half a last place) pi / 4.
// Poisson numbers: trial a of element e is made from block e + 2^48 a (e < 2^48, a < 65535).
//   Means below 10: the number of k with P(X <= k) < U(n0). Others: PTRS (rejection.hpp), u = U(n0) - 1/2, v = U(n1).
// Gamma numbers: the same blocks; n0 is the radius of a normal, w2 the sine's angle pi (U(w2) - 1/2), w3 the uniform of
//   the test. Shapes below 1: times U(n0)^(1 / shape) of block e + 2^48 65535.
// Permutations: Fisher-Yates from the last place down, by Lemire's bounded integers from n0, n1 of blocks 0, 1, 2 ...

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

/// Elements drawn by rejection together, 16 at a time: the block of Philox that each is drawn from, its mean or shape,
/// the number drawn, and whether that is accepted (verdicts of rejection.hpp).
struct Pool {
  std::uint64_t block[kPool];
  double parameter[kPool];
  double value[kPool];
  double verdict[kPool];
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
  // The rejection methods work on the first `groups` times 16 elements of a pool.
  /// Poisson counts of means below 10, by inversion; always accepted.
  void (*poisson_inversion)(const PhiloxStream& stream, std::size_t groups, Pool& pool);
  /// One trial of PTRS each, means from 10.
  void (*poisson_trials)(const PhiloxStream& stream, std::size_t groups, Pool& pool);
  /// One trial of Marsaglia and Tsang each: accepted or undecided by the squeeze, accepted or rejected by the exact
  /// test.
  void (*gamma_squeezes)(const PhiloxStream& stream, std::size_t groups, Pool& pool);
  void (*gamma_trials)(const PhiloxStream& stream, std::size_t groups, Pool& pool);
  /// The factors of gamma shapes below 1.
  void (*gamma_boosts)(const PhiloxStream& stream, std::size_t groups, Pool& pool);
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

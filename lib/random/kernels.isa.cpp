#include "random/kernels.hpp"

#include "random/rejection.hpp"

// Compiled once an instruction set with -DNOISEUTILS_ISA=baseline|avx2|avx512 -O3. Plain loops over 16 lanes that the
// compiler vectorises. Everything but the table is in an unnamed namespace (see elementary.hpp), and no header with
// inline functions of the standard library is included.

#define NOISEUTILS_JOIN(a, b) a##b
#define NOISEUTILS_TABLE(isa) NOISEUTILS_JOIN(kernels_, isa)
#define NOISEUTILS_STRING(isa) NOISEUTILS_QUOTE(isa)
#define NOISEUTILS_QUOTE(isa) #isa

namespace noiseutils {
namespace {

constexpr int kWidth = static_cast<int>(kLanes);

/// Words 0 ... 3 of 16 consecutive blocks.
struct alignas(64) Words {
  u32 word[4][kLanes];
};

constexpr u32 kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr u32 kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

#if defined(__AVX512DQ__)
/// Philox in 64-bit lanes, whose high halves hold what the next product ignores: half the multiplications of the 32-bit
/// form. Only AVX-512 has the 64-bit product that g++ asks for (2.1 G words/s against 1.2).
template <class BlockOf>
NOISEUTILS_INLINE void philox(const PhiloxStream& stream, BlockOf block_of, Words& out) {
  const u64 sample0 = stream.sample[0], sample1 = stream.sample[1];
  for (int l = 0; l < kWidth; ++l) {
    const u64 b = block_of(l);
    u64 x0 = b, x1 = b >> 32, x2 = sample0, x3 = sample1;
    u32 key0 = stream.key[0], key1 = stream.key[1];
    for (int round = 0; round < 10; ++round) {
      const u64 product0 = (x0 & 0xffffffffu) * kMultiplier0;
      const u64 product1 = (x2 & 0xffffffffu) * kMultiplier1;
      x0 = (product1 >> 32) ^ x1 ^ key0;
      x1 = product1;
      x2 = (product0 >> 32) ^ x3 ^ key1;
      x3 = product0;
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    out.word[0][l] = static_cast<u32>(x0);
    out.word[1][l] = static_cast<u32>(x1);
    out.word[2][l] = static_cast<u32>(x2);
    out.word[3][l] = static_cast<u32>(x3);
  }
}
#elif defined(__AVX2__) && defined(__GNUC__) && !defined(__clang__)
/// Philox in 64-bit lanes with the one instruction that g++ 12 does not find, the product of low halves: 1050 M words/s
/// against 600 for the plain form below, which is also the oracle of the tests through the other instruction sets.
template <class BlockOf>
NOISEUTILS_INLINE void philox(const PhiloxStream& stream, BlockOf block_of, Words& out) {
  typedef u64 Four __attribute__((vector_size(32)));
  typedef int Eight __attribute__((vector_size(32)));
  typedef u32 FourWords __attribute__((vector_size(16)));
  const auto product = [](Four x, u32 multiplier) __attribute__((always_inline)) {
    return (Four)__builtin_ia32_pmuludq256((Eight)x, (Eight)(Four{} + multiplier));
  };
  constexpr int kVectors = 2;
  alignas(32) u64 block[kLanes];
  for (int l = 0; l < kWidth; ++l) block[l] = block_of(l);
  for (int part = 0; part < kWidth; part += 4 * kVectors) {
    Four x0[kVectors], x1[kVectors], x2[kVectors], x3[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      __builtin_memcpy(&x0[v], block + part + 4 * v, sizeof(Four));
      x1[v] = x0[v] >> 32;
      x2[v] = Four{} + stream.sample[0];
      x3[v] = Four{} + stream.sample[1];
    }
    u32 key0 = stream.key[0], key1 = stream.key[1];
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      for (int v = 0; v < kVectors; ++v) {
        const Four product0 = product(x0[v], kMultiplier0), product1 = product(x2[v], kMultiplier1);
        x0[v] = (product1 >> 32) ^ x1[v] ^ (Four{} + key0);
        x1[v] = product1;
        x2[v] = (product0 >> 32) ^ x3[v] ^ (Four{} + key1);
        x3[v] = product0;
      }
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    const auto store = [](const Four& x, u32* words) __attribute__((always_inline)) {
      const FourWords low = __builtin_convertvector(x, FourWords);
      __builtin_memcpy(words, &low, sizeof low);
    };
    for (int v = 0; v < kVectors; ++v) {
      store(x0[v], out.word[0] + part + 4 * v);
      store(x1[v], out.word[1] + part + 4 * v);
      store(x2[v], out.word[2] + part + 4 * v);
      store(x3[v], out.word[3] + part + 4 * v);
    }
  }
}
#else
/// Philox in 32-bit lanes.
template <class BlockOf>
NOISEUTILS_INLINE void philox(const PhiloxStream& stream, BlockOf block_of, Words& out) {
  for (int l = 0; l < kWidth; ++l) {
    const u64 b = block_of(l);
    u32 x0 = static_cast<u32>(b), x1 = static_cast<u32>(b >> 32), x2 = stream.sample[0], x3 = stream.sample[1];
    u32 key0 = stream.key[0], key1 = stream.key[1];
    for (int round = 0; round < 10; ++round) {
      const u32 high0 = static_cast<u32>((static_cast<u64>(x0) * kMultiplier0) >> 32), low0 = x0 * kMultiplier0;
      const u32 high1 = static_cast<u32>((static_cast<u64>(x2) * kMultiplier1) >> 32), low1 = x2 * kMultiplier1;
      x0 = high1 ^ x1 ^ key0;
      x1 = low1;
      x2 = high0 ^ x3 ^ key1;
      x3 = low0;
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    out.word[0][l] = x0;
    out.word[1][l] = x1;
    out.word[2][l] = x2;
    out.word[3][l] = x3;
  }
}
#endif

NOISEUTILS_INLINE void philox_run(const PhiloxStream& stream, u64 first, Words& out) {
  philox(
      stream, [first](int l) { return first + static_cast<u64>(l); }, out);
}

void philox_gather(const PhiloxStream& stream, const u64* block, Words& out) {
  philox(
      stream, [block](int l) { return block[l]; }, out);
}

NOISEUTILS_INLINE void uniform_tile(const Words& words, float* out) {
  for (int j = 0; j < 4; ++j)
    for (int l = 0; l < kWidth; ++l) out[j * kWidth + l] = uniform_float(words.word[j][l]);
}

NOISEUTILS_INLINE void uniform_tile(const Words& words, double* out) {
  for (int j = 0; j < 2; ++j)
    for (int l = 0; l < kWidth; ++l)
      out[j * kWidth + l] = uniform_double(words.word[2 * j][l], words.word[2 * j + 1][l]);
}

NOISEUTILS_INLINE void normal_tile(const Words& words, float* out) {
  for (int j = 0; j < 4; j += 2)
    for (int l = 0; l < kWidth; ++l) {
      const float radius = __builtin_sqrtf(twice_exponential(words.word[j][l]));
      const Pair<float> point = circle_float(words.word[j + 1][l]);
      out[j * kWidth + l] = radius * point.first;
      out[(j + 1) * kWidth + l] = radius * point.second;
    }
}

NOISEUTILS_INLINE void normal_tile(const Words& words, double* out) {
  for (int l = 0; l < kWidth; ++l) {
    const double radius = __builtin_sqrt(2.0 * exponential(words.word[0][l], words.word[1][l]));
    const Pair<double> point = circle_double(words.word[2][l], words.word[3][l]);
    out[l] = radius * point.first;
    out[kWidth + l] = radius * point.second;
  }
}

template <class Real>
constexpr int kTile = static_cast<int>(sizeof(Real) == 4 ? kFloatTile : kDoubleTile);

template <class Real>
void fill_uniform_tiles(const PhiloxStream& stream, u64 tile, u64 tiles, Real* out) {
  Words words;
  for (u64 t = 0; t < tiles; ++t, out += kTile<Real>) {
    philox_run(stream, (tile + t) * kLanes, words);
    uniform_tile(words, out);
  }
}

template <class Real>
void fill_normal_tiles(const PhiloxStream& stream, u64 tile, u64 tiles, Real* out) {
  Words words;
  for (u64 t = 0; t < tiles; ++t, out += kTile<Real>) {
    philox_run(stream, (tile + t) * kLanes, words);
    normal_tile(words, out);
  }
}

template <class Real>
void add_normal_tiles(const PhiloxStream& stream, u64 tile, u64 tiles, const Real* x, Real sigma, Real* y) {
  Words words;
  alignas(64) Real normal[kTile<Real>];
  for (u64 t = 0; t < tiles; ++t, x += kTile<Real>, y += kTile<Real>) {
    philox_run(stream, (tile + t) * kLanes, words);
    normal_tile(words, normal);
#pragma omp simd  // x and y may be the same
    for (int i = 0; i < kTile<Real>; ++i) y[i] = x[i] + sigma * normal[i];
  }
}

/// Inversion: the number of partial sums of the probabilities below u.
void poisson_inversion(const PhiloxStream& stream, std::size_t groups, Pool& pool) {
  Words words;
  double u[kWidth], probability[kWidth], sum[kWidth], count[kWidth];
  for (std::size_t group = 0; group < groups; ++group) {
    const double* mean = pool.parameter + group * kLanes;
    philox_gather(stream, pool.block + group * kLanes, words);
    for (int l = 0; l < kWidth; ++l) {
      u[l] = uniform_double(words.word[0][l], words.word[1][l]);
      probability[l] = exp_of_normal_range(-mean[l]);
      sum[l] = probability[l];
      count[l] = 0.0;
    }
    for (double j = 1.0, below = 1.0; below != 0.0; j += 1.0) {
      const double inverse = 1.0 / j;
      below = 0.0;
#pragma omp simd reduction(+ : below)
      for (int l = 0; l < kWidth; ++l) {
        // A probability below 2^-60 is reached only far in the upper tail, where rounded sums may stay below u for
        // ever.
        const double reach = probability[l] > 0x1p-60 ? sum[l] : 2.0;
        const double step = u[l] > reach ? 1.0 : 0.0;
        count[l] += step;
        below += step;
        probability[l] *= mean[l] * inverse;
        sum[l] += probability[l];
      }
    }
    for (int l = 0; l < kWidth; ++l) pool.value[group * kLanes + static_cast<std::size_t>(l)] = count[l];
  }
}

/// Calls draw(parameter, w0, w1, w2, w3, value, verdict) for every element.
template <class Draw>
NOISEUTILS_INLINE void for_pool(const PhiloxStream& stream, std::size_t groups, Pool& pool, Draw draw) {
  Words words;
  for (std::size_t group = 0; group < groups; ++group) {
    const double* parameter = pool.parameter + group * kLanes;
    double* value = pool.value + group * kLanes;
    double* verdict = pool.verdict + group * kLanes;
    philox_gather(stream, pool.block + group * kLanes, words);
#pragma omp simd
    for (int l = 0; l < kWidth; ++l)
      draw(parameter[l], words.word[0][l], words.word[1][l], words.word[2][l], words.word[3][l], value[l], verdict[l]);
  }
}

void poisson_trials(const PhiloxStream& stream, std::size_t groups, Pool& pool) {
  for_pool(
      stream, groups, pool,
      [](double mean, u32 w0, u32 w1, u32 w2, u32 w3, double& value, double& verdict) __attribute__((always_inline)) {
        const PoissonTrial trial = poisson_trial(mean, w0, w1, w2, w3);
        value = trial.count;
        verdict = poisson_verdict(mean, trial);
      });
}

void gamma_squeezes(const PhiloxStream& stream, std::size_t groups, Pool& pool) {
  for_pool(
      stream, groups, pool,
      [](double shape, u32 w0, u32 w1, u32 w2, u32 w3, double& value, double& verdict) __attribute__((always_inline)) {
        const GammaTrial trial = gamma_trial(shape, w0, w1, w2, w3);
        value = trial.d * trial.v;
        verdict = gamma_squeeze(trial);
      });
}

void gamma_trials(const PhiloxStream& stream, std::size_t groups, Pool& pool) {
  for_pool(
      stream, groups, pool,
      [](double shape, u32 w0, u32 w1, u32 w2, u32 w3, double& value, double& verdict) __attribute__((always_inline)) {
        const GammaTrial trial = gamma_trial(shape, w0, w1, w2, w3);
        value = trial.d * trial.v;
        verdict = gamma_verdict(trial);
      });
}

void gamma_boosts(const PhiloxStream& stream, std::size_t groups, Pool& pool) {
  for_pool(
      stream, groups, pool,
      [](double shape, u32 w0, u32 w1, u32, u32, double& value, double&)
          __attribute__((always_inline)) { value = gamma_boost(shape, w0, w1); });
}

}  // namespace

const Kernels NOISEUTILS_TABLE(NOISEUTILS_ISA) = {
    NOISEUTILS_STRING(NOISEUTILS_ISA),
    fill_uniform_tiles<float>,
    fill_uniform_tiles<double>,
    fill_normal_tiles<float>,
    fill_normal_tiles<double>,
    add_normal_tiles<float>,
    add_normal_tiles<double>,
    poisson_inversion,
    poisson_trials,
    gamma_squeezes,
    gamma_trials,
    gamma_boosts,
};

}  // namespace noiseutils

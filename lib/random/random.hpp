#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "random/philox.hpp"

namespace noiseutils {

// Every function below fills elements first, first+1, ... of the stream named by `key`: element e has the same value
// however the range is cut and on whichever processor. Elements e are counted within a sample, in row-major order,
// below 2^48. The layout is written down in random/kernels.hpp.

/// Uniform on the open interval (0, 1), from all 32 bits (float) or 53 bits (double) of the generator.
void fill_uniform(const StreamKey& key, std::uint64_t first, std::span<float> out);
void fill_uniform(const StreamKey& key, std::uint64_t first, std::span<double> out);

/// Standard normal, Box-Muller with a full 32-bit radius for float (tails to 6.6), 53 bits for double (to 8.5).
void fill_normal(const StreamKey& key, std::uint64_t first, std::span<float> out);
void fill_normal(const StreamKey& key, std::uint64_t first, std::span<double> out);

/// y = x + sigma n with n the normals of fill_normal, fused: the fast path of white Gaussian noise. x may equal y.
void add_normal(const StreamKey& key, std::uint64_t first, std::span<const float> x, float sigma, std::span<float> y);
void add_normal(const StreamKey& key, std::uint64_t first, std::span<const double> x, double sigma,
                std::span<double> y);

/// Poisson counts with the given means (0 ... 1e9; the caller checks). Hormann 1993 (PTRS) from mean 10, inversion
/// below. Throws InternalError for NaN.
void fill_poisson(const StreamKey& key, std::uint64_t first, std::span<const double> mean, std::span<double> out);

/// Gamma variates of unit scale with the given shapes (1e-3 ... 1e6). Marsaglia and Tsang 2000; shape < 1 by the power
/// boost; where that factor is below e^-708 the variate is 0 (half of them at shape 1e-3). Throws InternalError for
/// NaN.
void fill_gamma(const StreamKey& key, std::uint64_t first, std::span<const double> shape, std::span<double> out);

/// A uniformly random permutation of 0 ... n-1 (Fisher-Yates on unbiased bounded integers).
std::vector<std::uint64_t> permutation(const StreamKey& key, std::uint64_t n);

/// The instruction set of the hot kernels: "baseline", "avx2" or "avx512": the best of the processor, or what
/// NOISEUTILS_ISA asks for (UsageError if unknown or not available). All give the same bytes.
const char* active_isa();

}  // namespace noiseutils

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "random/kernels.hpp"
#include "random/random.hpp"

namespace noiseutils::test {

/// The instruction sets of this processor.
inline std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> result;
  for (const char* isa : {"baseline", "avx2", "avx512"})
    if (const Kernels* kernels = find_kernels(isa)) result.push_back(kernels);
  return result;
}

/// Within its life the library draws by these kernels.
class Forced {
 public:
  explicit Forced(const Kernels* kernels) { force_kernels(kernels); }
  ~Forced() { force_kernels(nullptr); }
  Forced(const Forced&) = delete;
  Forced& operator=(const Forced&) = delete;
};

/// FNV-1a of the bytes.
template <class Real>
std::uint64_t hash(const std::vector<Real>& values) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const Real value : values) {
    unsigned char bytes[sizeof(Real)];
    std::memcpy(bytes, &value, sizeof value);
    for (const unsigned char byte : bytes) h = (h ^ byte) * 0x100000001b3;
  }
  return h;
}

template <class Real>
std::vector<Real> uniforms(const StreamKey& key, std::uint64_t first, std::size_t n) {
  std::vector<Real> result(n);
  fill_uniform(key, first, std::span<Real>(result));
  return result;
}

template <class Real>
std::vector<Real> normals(const StreamKey& key, std::uint64_t first, std::size_t n) {
  std::vector<Real> result(n);
  fill_normal(key, first, std::span<Real>(result));
  return result;
}

inline std::vector<double> poissons(const StreamKey& key, std::uint64_t first, const std::vector<double>& mean) {
  std::vector<double> result(mean.size());
  fill_poisson(key, first, mean, result);
  return result;
}

inline std::vector<double> gammas(const StreamKey& key, std::uint64_t first, const std::vector<double>& shape) {
  std::vector<double> result(shape.size());
  fill_gamma(key, first, shape, result);
  return result;
}

}  // namespace noiseutils::test

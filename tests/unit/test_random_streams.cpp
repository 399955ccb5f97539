#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "base/error.hpp"
#include "random/elementary.hpp"
#include "random/stream.hpp"
#include "random_helpers.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

namespace {

const StreamKey kKey{2024, Purpose::noise, 5, 1};

/// Means and shapes of every regime, mixed within each tile.
std::vector<double> mixed(std::size_t n, const std::vector<double>& values) {
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = values[(i * 7 + i / 64) % values.size()];
  return result;
}
std::vector<double> mixed_means(std::size_t n) { return mixed(n, {0, 1e-3, 0.7, 4, 9.99, 10, 12.5, 80, 4e4, 1e9}); }
std::vector<double> mixed_shapes(std::size_t n) { return mixed(n, {1e-3, 0.05, 0.5, 1, 1.5, 3, 20, 1e3, 1e6}); }

template <class Real>
std::vector<Real> added(const StreamKey& key, std::uint64_t first, std::size_t n) {
  std::vector<Real> x(n), y(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<Real>(0.25) * static_cast<Real>((first + i) % 17);
  add_normal(key, first, std::span<const Real>(x), static_cast<Real>(0.1), std::span<Real>(y));
  return y;
}

}  // namespace

TEST_CASE("streams: every element is the documented function of its words") {
  const PhiloxStream stream = philox_stream(kKey);
  constexpr std::size_t n = 1000;
  const std::uint64_t first = (std::uint64_t{1} << 40) - 500;  // across 2^32 blocks
  const auto u32s = uniforms<float>(kKey, first, n);
  const auto u64s = uniforms<double>(kKey, first, n);
  const auto n32s = normals<float>(kKey, first, n);
  const auto n64s = normals<double>(kKey, first, n);
  int different = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t e = first + i;
    {
      const std::uint64_t t = e / 64, j = e / 16 % 4, l = e % 16;
      const auto w = block_words(stream, 16 * t + l);
      different += u32s[i] != uniform_float(w[j]);
      const auto point = circle_float(w[j / 2 * 2 + 1]);
      const float radius = std::sqrt(twice_exponential(w[j / 2 * 2]));
      different += n32s[i] != radius * (j % 2 == 0 ? point.first : point.second);
    }
    {
      const std::uint64_t t = e / 32, j = e / 16 % 2, l = e % 16;
      const auto w = block_words(stream, 16 * t + l);
      different += u64s[i] != uniform_double(w[2 * j], w[2 * j + 1]);
      const auto point = circle_double(w[2], w[3]);
      const double radius = std::sqrt(2 * exponential(w[0], w[1]));
      different += n64s[i] != radius * (j == 0 ? point.first : point.second);
    }
  }
  CHECK(different == 0);
}

TEST_CASE("streams: a range cut anywhere gives the same elements") {
  constexpr std::size_t n = 700;
  const auto whole32 = normals<float>(kKey, 0, n);
  const auto whole64 = normals<double>(kKey, 0, n);
  const auto uniform32 = uniforms<float>(kKey, 0, n);
  const auto uniform64 = uniforms<double>(kKey, 0, n);
  const auto added32 = added<float>(kKey, 0, n);
  const auto added64 = added<double>(kKey, 0, n);
  const auto means = mixed_means(n), shapes = mixed_shapes(n);
  const auto counts = poissons(kKey, 0, means), gamma = gammas(kKey, 0, shapes);
  int different = 0;
  const auto compare = [&](const auto& whole, const auto& part, std::size_t from) {
    different += !std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(from));
  };
  for (const std::size_t from : {0u, 1u, 15u, 16u, 31u, 32u, 63u, 64u, 65u, 100u, 128u, 600u})
    for (const std::size_t size : {0u, 1u, 2u, 16u, 31u, 33u, 63u, 64u, 65u, 100u}) {
      compare(whole32, normals<float>(kKey, from, size), from);
      compare(whole64, normals<double>(kKey, from, size), from);
      compare(uniform32, uniforms<float>(kKey, from, size), from);
      compare(uniform64, uniforms<double>(kKey, from, size), from);
      compare(added32, added<float>(kKey, from, size), from);
      compare(added64, added<double>(kKey, from, size), from);
      const auto begin = static_cast<std::ptrdiff_t>(from), end = static_cast<std::ptrdiff_t>(from + size);
      compare(counts, poissons(kKey, from, {means.begin() + begin, means.begin() + end}), from);
      compare(gamma, gammas(kKey, from, {shapes.begin() + begin, shapes.begin() + end}), from);
    }
  CHECK(different == 0);
}

TEST_CASE("streams: add_normal is x + sigma n, also in place") {
  constexpr std::size_t n = 300;
  const auto normal = normals<float>(kKey, 3, n);
  std::vector<float> x(n), y(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i) / 7;
  add_normal(kKey, 3, x, 0.3f, y);
  int different = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float scaled = 0.3f * normal[i];
    different += y[i] != x[i] + scaled;
  }
  CHECK(different == 0);
  add_normal(kKey, 3, x, 0.3f, x);
  CHECK(x == y);
}

TEST_CASE("streams: a Poisson or gamma number does not depend on the parameters of others") {
  constexpr std::size_t n = 256;
  const auto means = mixed_means(n), shapes = mixed_shapes(n);
  const auto counts = poissons(kKey, 9, means), gamma = gammas(kKey, 9, shapes);
  int different = 0;
  for (std::size_t i = 0; i < n; ++i) {
    different += counts[i] != poissons(kKey, 9, std::vector<double>(n, means[i]))[i];
    different += gamma[i] != gammas(kKey, 9, std::vector<double>(n, shapes[i]))[i];
  }
  CHECK(different == 0);
}

TEST_CASE("streams: every instruction set gives the same bytes") {
  constexpr std::size_t n = 100003;
  const auto means = mixed_means(n), shapes = mixed_shapes(n);
  const auto hashes = [&](const Kernels* kernels) {
    const Forced forced(kernels);
    CHECK(std::string(active_isa()) == kernels->isa);
    return std::vector<std::uint64_t>{hash(uniforms<float>(kKey, 1, n)), hash(uniforms<double>(kKey, 1, n)),
                                      hash(normals<float>(kKey, 1, n)),  hash(normals<double>(kKey, 1, n)),
                                      hash(added<float>(kKey, 1, n)),    hash(added<double>(kKey, 1, n)),
                                      hash(poissons(kKey, 1, means)),    hash(gammas(kKey, 1, shapes))};
  };
  const auto kernels = available_kernels();
  const auto baseline = hashes(kernels.front());
  for (const Kernels* others : kernels) CHECK_MESSAGE(hashes(others) == baseline, others->isa);
}

TEST_CASE("streams: the frozen layout, by the hash of a million numbers of every law on every instruction set") {
  // These pin the layout only: that the numbers are right is for the other tests to say. They change with the major
  // version of noiseutils and never else.
  constexpr std::size_t n = 1000000;
  const StreamKey key{0x6e6f697365757469, Purpose::noise, 3, 2};
  const auto means = mixed_means(n), shapes = mixed_shapes(n);
  for (const Kernels* kernels : available_kernels()) {
    const Forced forced(kernels);
    CAPTURE(kernels->isa);
    CHECK(hash(uniforms<float>(key, 0, n)) == 0xac93da806d2b65b0);
    CHECK(hash(uniforms<double>(key, 0, n)) == 0xa56a11ec5b0fce5d);
    CHECK(hash(normals<float>(key, 0, n)) == 0xc69bba88647cb4f7);
    CHECK(hash(normals<double>(key, 0, n)) == 0x65b5b456e4724b2e);
    CHECK(hash(poissons(key, 0, means)) == 0xc31b7d33343b0f2a);
    CHECK(hash(gammas(key, 0, shapes)) == 0xbfcc8037598a7d12);
    CHECK(hash(permutation(key, n)) == 0x9520985f82b99241);
  }
}

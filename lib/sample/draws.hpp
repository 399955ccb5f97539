#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "random/random.hpp"
#include "sample/parallel_vectors.hpp"

namespace noiseutils {

/// The draws of a batch of vectors of `dim` values, each from its own streams {seed, sampler, first + v, draw}.
template <class T>
class Draws {
 public:
  Draws(std::uint64_t seed, std::int64_t first, std::int64_t dim) : seed_(seed), first_(first), dim_(dim) {}

  void normals(std::span<T> z) {
    const std::uint64_t draw = draw_++;
    parallel_vectors(static_cast<std::int64_t>(z.size()) / dim_, dim_, [&](std::int64_t v) {
      const std::span<T> own = z.subspan(static_cast<std::size_t>(v * dim_), static_cast<std::size_t>(dim_));
      if constexpr (sizeof(T) == sizeof(double)) {
        fill_normal(key(v, draw), 0, own);
      } else {
        std::vector<double> doubles(own.size());
        fill_normal(key(v, draw), 0, doubles);
        std::transform(doubles.begin(), doubles.end(), own.begin(), [](double n) { return static_cast<T>(n); });
      }
    });
  }
  void uniforms(std::span<double> u) {
    const std::uint64_t draw = draw_++;
    for (std::size_t v = 0; v < u.size(); ++v)
      fill_uniform(key(static_cast<std::int64_t>(v), draw), 0, u.subspan(v, 1));
  }

 private:
  StreamKey key(std::int64_t v, std::uint64_t draw) const {
    return {seed_, Purpose::sampler, static_cast<std::uint64_t>(first_ + v), draw};
  }
  std::uint64_t seed_;
  std::int64_t first_, dim_;
  std::uint64_t draw_ = 0;
};

}  // namespace noiseutils

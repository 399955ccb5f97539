#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "random/kernels.hpp"

namespace noiseutils {

/// Some of at most kPool elements that lie side by side, gathered by what is to be done with them.
struct Gathered {
  Pool pool;
  std::array<std::size_t, kPool> place;  ///< among all of them
  std::size_t size = 0;

  /// All of them, drawn from blocks first, first + 1 ...
  void assign(std::uint64_t first, std::span<const double> parameters) {
    size = parameters.size();
    std::copy(parameters.begin(), parameters.end(), pool.parameter);
    for (std::size_t i = 0; i < size; ++i) pool.block[i] = first + i;
    for (std::size_t i = 0; i < size; ++i) place[i] = i;
  }

  void add(std::size_t at, std::uint64_t block, double parameter) {
    pool.block[size] = block;
    pool.parameter[size] = parameter;
    place[size++] = at;
  }

  /// The number of groups of 16; what the last one lacks repeats its first elements' parameters, to no effect.
  std::size_t groups() {
    const std::size_t padded = (size + kLanes - 1) / kLanes * kLanes;
    for (std::size_t i = size; i < padded; ++i) {
      pool.block[i] = 0;
      pool.parameter[i] = pool.parameter[0];
    }
    return padded / kLanes;
  }

  /// Writes the values to their places and keeps the elements for which left_over(i), their blocks moved on by
  /// `stride`.
  template <class LeftOver>
  void settle(double* out, std::uint64_t stride, LeftOver left_over) {
    std::size_t left = 0;
    for (std::size_t i = 0; i < size; ++i) {
      out[place[i]] = pool.value[i];
      const bool stays = left_over(i);
      place[left] = place[i];
      pool.parameter[left] = pool.parameter[i];
      pool.block[left] = pool.block[i] + stride;
      left += stays ? 1u : 0u;
    }
    size = left;
  }
};

}  // namespace noiseutils

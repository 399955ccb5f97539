#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// `count` vectors of `dim` numbers, one after the other: a column-major dim x count matrix.
struct VectorBlock {
  std::int64_t dim = 0, count = 0;
  std::vector<double> values;

  VectorBlock(std::int64_t d, std::int64_t n) : dim(d), count(n), values(static_cast<std::size_t>(d * n)) {}
  std::span<double> at(std::int64_t i) {
    return std::span(values).subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim));
  }
  std::span<const double> at(std::int64_t i) const {
    return std::span(values).subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim));
  }
};

/// a^T b of two vectors of one size.
double dot_product(std::span<const double> a, std::span<const double> b);

/// Gram, Schmidt, each vector twice, which leaves nothing but rounding. A vector that depends on those before it, as
/// those beyond the rank of a matrix do, is replaced by the first unit vector that does not. count <= dim.
void orthonormalise(VectorBlock& block);

/// A^T B, column-major a.count x b.count.
std::vector<double> inner_products(const VectorBlock& a, const VectorBlock& b);

/// A W, W column-major a.count x a.count.
VectorBlock turned(const VectorBlock& a, const std::vector<double>& w);

/// |V V^T - V' V'^T|_F of the first `count` vectors, orthonormal in both, without the cancellation of
/// 2 count - 2 |V^T V'|^2: how far two subspaces are apart, whatever the signs and the order of their vectors.
double projection_change(const VectorBlock& before, const VectorBlock& now, std::int64_t count);

}  // namespace noiseutils

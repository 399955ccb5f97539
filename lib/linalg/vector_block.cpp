#include "linalg/vector_block.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// v -= c u
void subtract(double c, std::span<const double> u, std::span<double> v) {
  const double* const from = u.data();
  double* const to = v.data();
#pragma omp simd
  for (std::size_t e = 0; e < v.size(); ++e) to[e] -= c * from[e];
}

}  // namespace

double dot_product(std::span<const double> a, std::span<const double> b) {
  // Eight sums: one alone waits for the addition before it.
  constexpr std::size_t kSums = 8;
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= a.size(); i += kSums)
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < a.size(); ++i) sums[i % kSums] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void orthonormalise(VectorBlock& block) {
  for (std::int64_t i = 0, unit = 0; i < block.count; ++i) {
    const auto v = block.at(i);
    for (;;) {
      const double before = std::sqrt(dot_product(v, v));
      for (int pass = 0; pass < 2; ++pass)
        for (std::int64_t k = 0; k < i; ++k) subtract(dot_product(v, block.at(k)), block.at(k), v);
      const double norm = std::sqrt(dot_product(v, v));
      if (norm > 1e-10 * before && norm > 0) {
        for (double& value : v) value /= norm;
        break;
      }
      std::fill(v.begin(), v.end(), 0.0);
      v[index(unit++)] = 1;
    }
  }
}

std::vector<double> inner_products(const VectorBlock& a, const VectorBlock& b) {
  std::vector<double> result(index(a.count * b.count));
  gemm(Op::transposed, Op::plain, a.count, b.count, a.dim, 1.0, a.values.data(), a.dim, b.values.data(), a.dim, 0.0,
       result.data(), a.count);
  return result;
}

VectorBlock turned(const VectorBlock& block, const std::vector<double>& w) {
  VectorBlock result(block.dim, block.count);
  gemm(Op::plain, Op::plain, block.dim, block.count, block.count, 1.0, block.values.data(), block.dim, w.data(),
       block.count, 0.0, result.values.data(), block.dim);
  return result;
}

double projection_change(const VectorBlock& before, const VectorBlock& now, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<double> rest(now.at(i).begin(), now.at(i).end());
    for (std::int64_t k = 0; k < count; ++k) subtract(dot_product(now.at(i), before.at(k)), before.at(k), rest);
    sum += dot_product(rest, rest);
  }
  return std::sqrt(2 * sum);
}

}  // namespace noiseutils

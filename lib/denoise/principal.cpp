#include "denoise/principal.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kSpare = 4;  // vectors of the block beyond those asked for

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// `count` vectors of `dim`, one after the other: a column-major dim x count matrix.
struct Block {
  std::int64_t dim = 0, count = 0;
  std::vector<double> values;

  Block(std::int64_t d, std::int64_t n) : dim(d), count(n), values(index(d * n)) {}
  std::span<double> at(std::int64_t i) { return std::span(values).subspan(index(i * dim), index(dim)); }
  std::span<const double> at(std::int64_t i) const { return std::span(values).subspan(index(i * dim), index(dim)); }
};

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Gram, Schmidt, each vector twice, which leaves nothing but rounding. A vector that depends on those before it, as
/// those beyond the rank of J do, is replaced by the first unit vector that does not.
void orthonormalise(Block& block) {
  for (std::int64_t i = 0, unit = 0; i < block.count; ++i) {
    const auto v = block.at(i);
    for (;;) {
      const double before = std::sqrt(dot(v, v));
      for (int pass = 0; pass < 2; ++pass)
        for (std::int64_t k = 0; k < i; ++k) {
          const double c = dot(v, block.at(k));
          for (std::size_t e = 0; e < v.size(); ++e) v[e] -= c * block.at(k)[e];
        }
      const double norm = std::sqrt(dot(v, v));
      if (norm > 1e-10 * before && norm > 0) {
        for (double& value : v) value /= norm;
        break;
      }
      std::fill(v.begin(), v.end(), 0.0);
      v[index(unit++)] = 1;
    }
  }
}

/// a^T b, column-major a.count x b.count.
std::vector<double> products(const Block& a, const Block& b) {
  std::vector<double> result(index(a.count * b.count));
  gemm(Op::transposed, Op::plain, a.count, b.count, a.dim, 1.0, a.values.data(), a.dim, b.values.data(), a.dim, 0.0,
       result.data(), a.count);
  return result;
}

/// block W, W column-major block.count x block.count.
Block turned(const Block& block, const std::vector<double>& w) {
  Block result(block.dim, block.count);
  gemm(Op::plain, Op::plain, block.dim, block.count, block.count, 1.0, block.values.data(), block.dim, w.data(),
       block.count, 0.0, result.values.data(), block.dim);
  return result;
}

/// Turns V and J V to the eigenvectors of V^T J V, the largest eigenvalue first.
void rayleigh_ritz(Block& v, Block& jv) {
  const std::int64_t n = v.count;
  const std::vector<double> t = products(v, jv);
  std::vector<double> symmetric(t.size()), values(index(n)), falling(t.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < n; ++k) symmetric[index(k * n + i)] = (t[index(k * n + i)] + t[index(i * n + k)]) / 2;
  symmetric_eigen(n, symmetric.data(), values.data());
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(symmetric.begin() + (n - 1 - i) * n, n, falling.begin() + i * n);
  v = turned(v, falling);
  jv = turned(jv, falling);
}

/// |V V^T - V' V'^T|_F of the first `count` vectors, without the cancellation of 2 count - 2 |V^T V'|^2.
double projection_change(const Block& before, const Block& now, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<double> rest(now.at(i).begin(), now.at(i).end());
    for (std::int64_t k = 0; k < count; ++k) {
      const double c = dot(now.at(i), before.at(k));
      for (std::size_t e = 0; e < rest.size(); ++e) rest[e] -= c * before.at(k)[e];
    }
    sum += dot(rest, rest);
  }
  return std::sqrt(2 * sum);
}

FoundAxes first_axes(const Block& v, const Block& jv, std::int64_t count) {
  FoundAxes found;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = dot(v.at(i), jv.at(i));
    double residual = 0;
    for (std::size_t e = 0; e < v.at(i).size(); ++e) {
      const double r = jv.at(i)[e] - value * v.at(i)[e];
      residual += r * r;
    }
    found.axes.values.push_back(value);
    found.residuals.push_back(std::sqrt(residual));
    found.axes.vectors.insert(found.axes.vectors.end(), v.at(i).begin(), v.at(i).end());
  }
  orient_axes(v.dim, found.axes.vectors);
  return found;
}

}  // namespace

std::int64_t block_vectors(std::int64_t dim, std::int64_t count) { return std::min(dim, count + kSpare); }

FoundAxes principal_axes(std::int64_t dim, const PrincipalSearch& search, const BlockProduct& product,
                         std::vector<double> start) {
  Block v(dim, block_vectors(dim, search.count)), jv(dim, v.count);
  if (start.size() != v.values.size())
    throw InternalError("principal_axes: not as many vectors to start from as needed");
  v.values = std::move(start);
  orthonormalise(v);
  Block before = v;
  for (std::int64_t i = 0;; ++i) {
    product(v.values, jv.values);
    rayleigh_ritz(v, jv);
    const bool settled = i > 0 && projection_change(before, v, search.count) < search.tolerance;
    if (settled || i + 1 >= search.iterations) return first_axes(v, jv, search.count);
    before = v;
    v = jv;
    orthonormalise(v);
  }
}

FoundAxes dense_principal_axes(std::int64_t dim, std::int64_t count, const BlockProduct& product) {
  Block v(dim, dim), jv(dim, dim);
  for (std::int64_t i = 0; i < dim; ++i) v.at(i)[index(i)] = 1;
  product(v.values, jv.values);
  rayleigh_ritz(v, jv);
  return first_axes(v, jv, count);
}

}  // namespace noiseutils

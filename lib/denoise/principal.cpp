#include "denoise/principal.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "linalg/vector_block.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kSpare = 4;  // vectors of the block beyond those asked for

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Turns V and J V to the eigenvectors of V^T J V, the largest eigenvalue first.
void rayleigh_ritz(VectorBlock& v, VectorBlock& jv) {
  const std::int64_t n = v.count;
  const std::vector<double> t = inner_products(v, jv);
  std::vector<double> symmetric(t.size()), values(index(n)), falling(t.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < n; ++k) symmetric[index(k * n + i)] = (t[index(k * n + i)] + t[index(i * n + k)]) / 2;
  symmetric_eigen(n, symmetric.data(), values.data());
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(symmetric.begin() + (n - 1 - i) * n, n, falling.begin() + i * n);
  v = turned(v, falling);
  jv = turned(jv, falling);
}

FoundAxes first_axes(const VectorBlock& v, const VectorBlock& jv, std::int64_t count) {
  FoundAxes found;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = dot_product(v.at(i), jv.at(i));
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
  VectorBlock v(dim, block_vectors(dim, search.count)), jv(dim, v.count);
  if (start.size() != v.values.size())
    throw InternalError("principal_axes: not as many vectors to start from as needed");
  v.values = std::move(start);
  orthonormalise(v);
  VectorBlock before = v;
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
  VectorBlock v(dim, dim), jv(dim, dim);
  for (std::int64_t i = 0; i < dim; ++i) v.at(i)[index(i)] = 1;
  product(v.values, jv.values);
  rayleigh_ritz(v, jv);
  return first_axes(v, jv, count);
}

}  // namespace noiseutils

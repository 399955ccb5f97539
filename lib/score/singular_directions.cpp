#include "score/singular_directions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "linalg/vector_block.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Turns V and A V to the eigenvectors of (A V)^T (A V), the largest eigenvalue first.
void turn_to_singular(VectorBlock& v, VectorBlock& av) {
  const std::int64_t n = v.count;
  std::vector<double> gram = inner_products(av, av), values(index(n)), falling(gram.size());
  symmetric_eigen(n, gram.data(), values.data());
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(gram.begin() + (n - 1 - i) * n, n, falling.begin() + i * n);
  v = turned(v, falling);
  av = turned(av, falling);
}

SingularDirections first_directions(VectorBlock v, VectorBlock av, std::int64_t count) {
  SingularDirections found;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto direction = v.at(k);
    const auto largest = std::max_element(direction.begin(), direction.end(),
                                          [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (*largest < 0) {
      for (double& value : v.at(k)) value = -value;
      for (double& value : av.at(k)) value = -value;
    }
    found.values.push_back(std::sqrt(dot_product(av.at(k), av.at(k))));
  }
  found.vectors.assign(v.values.begin(), v.values.begin() + count * v.dim);
  found.responses.assign(av.values.begin(), av.values.begin() + count * v.dim);
  return found;
}

bool is_finite(const VectorBlock& block) {
  return std::all_of(block.values.begin(), block.values.end(), [](double value) { return std::isfinite(value); });
}

/// Of a matrix that is not finite nothing can be told, and no eigenvalue solver converges.
SingularDirections unknown_directions(std::int64_t dim, std::int64_t count) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  SingularDirections none;
  none.values.assign(index(count), kNone);
  none.vectors.assign(index(count * dim), kNone);
  none.responses = none.vectors;
  none.change = kNone;
  return none;
}

}  // namespace

SingularDirections power_directions(const MatrixProducts& a, const PowerSearch& search, std::vector<double> start) {
  VectorBlock v(a.dim, block_vectors(a.dim, search.count)), av(a.dim, v.count);
  if (start.size() != v.values.size())
    throw InternalError("power_directions: not as many vectors to start from as needed");
  v.values = std::move(start);
  orthonormalise(v);
  VectorBlock before = v;
  double change = 0;
  for (std::int64_t i = 1;; ++i) {
    a.plain(v.values, av.values);
    if (!is_finite(av)) return unknown_directions(a.dim, search.count);
    turn_to_singular(v, av);
    change = projection_change(before, v, search.count);
    if (i >= search.most || (i >= search.least && change < search.tolerance)) {
      SingularDirections found = first_directions(std::move(v), std::move(av), search.count);
      found.iterations = i;
      found.change = change;
      return found;
    }
    before = v;
    a.transposed(av.values, v.values);
    orthonormalise(v);
  }
}

SingularDirections all_directions(const MatrixProducts& a, std::int64_t count) {
  VectorBlock v(a.dim, a.dim), av(a.dim, a.dim);
  for (std::int64_t i = 0; i < a.dim; ++i) v.at(i)[index(i)] = 1;
  a.plain(v.values, av.values);
  if (!is_finite(av)) return unknown_directions(a.dim, count);
  turn_to_singular(v, av);
  return first_directions(std::move(v), std::move(av), count);
}

}  // namespace noiseutils

#pragma once

#include <cstddef>
#include <vector>

namespace noiseutils {

/// sum_k weights_k f(nodes_k) ~ int_-1^1 f.
struct QuadratureRule {
  std::vector<double> nodes, weights;
};

/// The rule of Gauss and Legendre with `count` >= 1 nodes, rising, exact for polynomials up to degree 2 count - 1: the
/// zeros of P_count by Newton's steps from cos(pi (k + 3/4) / (count + 1/2)). Source: Davis, Rabinowitz, "Methods of
/// Numerical Integration", section 2.7.
QuadratureRule gauss_legendre(std::size_t count);

}  // namespace noiseutils

#pragma once

#include <vector>

#include "model/model.hpp"

namespace noiseutils {

/// How far the subspaces of two models are apart: the spans of the eigenvectors of positive eigenvalue of their
/// components (one, of a linear model), paired so that the sum of the distances is least. P, Q the projectors:
struct SubspaceDistance {
  std::vector<double> spectral;   ///< |P - Q|_2 of each pair: the sine of the largest angle; 1 where dimensions differ
  std::vector<double> frobenius;  ///< |P - Q|_F = sqrt(dim P + dim Q - 2 |U_P U_Q^T|_F^2)
};

/// A component that has no partner counts as one with {0}: 1, and the root of its dimension. DataError where a model
/// has no subspaces: it is neither linear nor a mixture, or has other dimensions than the other.
/// Source: Golub, Van Loan, Matrix Computations, 2.5.3 and 6.4.3; pairs by optimal_assignment().
SubspaceDistance subspace_distance(const Model& a, const Model& b);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <vector>

#include "denoise/principal.hpp"

namespace noiseutils {

/// A square matrix A known by its products with vectors of `dim`, a block at a time.
struct MatrixProducts {
  std::int64_t dim = 0;
  BlockProduct plain;       ///< v -> A v
  BlockProduct transposed;  ///< v -> A^T v
};

/// When block power iteration ends.
struct PowerSearch {
  std::int64_t count = 1;  ///< K directions, at most dim
  std::int64_t least = 10, most = 50;
  double tolerance = 1e-3;  ///< of |V V^T - V' V'^T|_F from one iteration to the next
};

/// The first right singular vectors of A, orthonormal, each with its largest element positive. NaN where products
/// with A are not finite.
struct SingularDirections {
  std::vector<double> values;     ///< K singular values |A v|, falling
  std::vector<double> vectors;    ///< K x dim
  std::vector<double> responses;  ///< A v, K x dim
  std::int64_t iterations = 0;    ///< 0: by a decomposition of all of A
  double change = 0;              ///< the last |V V^T - V' V'^T|_F
  /// Whether the search ended by its tolerance, and not by its last iteration alone.
  bool has_settled(const PowerSearch& search) const { return iterations < search.most || change < search.tolerance; }
};

/// Block power iteration with A^T A: V <- orthonormal basis of A^T A V, turned at each step to the eigenvectors of
/// (A V)^T (A V), so that the vectors themselves converge, and not their span alone. The block holds a few vectors more
/// than K (block_vectors()), which `start` gives. It ends by the change of the projector V V^T: that of the entries
/// of V, as in LOCO-Edit's code, never settles where a sign flips.
/// Source: Chen et al., "Exploring low-dimensional subspaces in diffusion models for controllable image editing",
/// NeurIPS 2024 (arXiv 2409.02374).
SingularDirections power_directions(const MatrixProducts& a, const PowerSearch& search, std::vector<double> start);

/// The same by the eigenvectors of A^T A, from all products with unit vectors: for few dimensions. Singular values
/// below 1e-8 of the first are not told apart.
SingularDirections all_directions(const MatrixProducts& a, std::int64_t count);

}  // namespace noiseutils

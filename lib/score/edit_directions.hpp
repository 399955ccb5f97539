#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "score/spectrum.hpp"

namespace noiseutils {

/// Directions of y that change the estimate inside a mask Omega, and little of it outside.
struct EditDirections {
  std::vector<double> vectors;  ///< K x dim, unit vectors; without null directions orthogonal
  std::vector<double> gains;    ///< K singular values of P_Omega J, before null directions are taken out
  std::vector<double> inside;   ///< K, |P_Omega J v|: what changes inside the mask, a unit step of y
  std::vector<double> outside;  ///< K, |P_rest J v|
  std::int64_t null_rank = 0;   ///< directions that were taken out: at most `null`, and those with a gain
  std::int64_t iterations = 0;  ///< of the first search
  double change = 0;            ///< of its last iteration
  bool settled = true;          ///< both searches: SingularDirections::has_settled()
};

/// LOCO-Edit: v_k the first K right singular vectors of P_Omega J, less their part in the span of V', the first
/// `null` right singular vectors of P_rest J, P_rest = 1 - P_Omega:
///   v_k <- (v_k - V' V'^T v_k) / |...|
/// so that J v_k loses the most of what it does outside. Singular vectors of P_rest J whose singular value is below
/// 1e-6 of the first are no directions of it and stay out of V'.
/// mask: dim values, Omega where it is not 0. Throws DataError if Omega or the rest is empty, UsageError if there are
/// not so many dimensions, or if nothing of v_k is left (below 1e-6): V' then holds all that D responds to there.
/// Source: Chen et al., "Exploring low-dimensional subspaces in diffusion models for controllable image editing"
/// (LOCO-Edit), NeurIPS 2024 (arXiv 2409.02374): the masked Jacobian and its null-space projection.
EditDirections edit_directions(const JacobianAt& jacobian, std::span<const double> mask, std::int64_t null,
                               const DirectionSearch& search, std::int64_t sample);

}  // namespace noiseutils

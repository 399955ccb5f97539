#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/posterior.hpp"

namespace noiseutils {

/// out_i = J in_i for each of the vectors in `in`, one after the other.
using BlockProduct = std::function<void(std::span<const double> in, std::span<double> out)>;

struct PrincipalSearch {
  std::int64_t count = 1;        ///< K, at most dim
  std::int64_t iterations = 50;  ///< products of a block at most
  double tolerance = 1e-8;       ///< of |V V^T - V' V'^T|_F from one iteration to the next
};

struct FoundAxes {
  PrincipalAxes axes;             ///< eigenvalues by Rayleigh quotient, v^T J v
  std::vector<double> residuals;  ///< |J v - (v^T J v) v|: as far at most is an eigenvalue, where J is symmetric
};

/// The K largest eigenpairs of J by subspace iteration: V <- orthonormal basis of J V, turned at each step to the
/// eigenvectors of V^T J V (Rayleigh, Ritz). The block holds some more vectors than K, so that the error falls by the
/// ratio of the first eigenvalue beyond the block to the K-th, a step.
/// start: numbers to start from, as many vectors of `dim` as block_vectors() says.
/// Source: Manor, Michaeli, "On the posterior distribution in denoising", ICLR 2024, algorithm 1; eigenvalues by
/// Rayleigh quotient instead of |J v|, convergence by projections instead of vectors, whose signs and order may change.
FoundAxes principal_axes(std::int64_t dim, const PrincipalSearch& search, const BlockProduct& product,
                         std::vector<double> start);
std::int64_t block_vectors(std::int64_t dim, std::int64_t count);

/// The same by all dim^2 numbers of J, for few dimensions.
FoundAxes dense_principal_axes(std::int64_t dim, std::int64_t count, const BlockProduct& product);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <vector>

#include "linalg/patch_grid.hpp"

namespace noiseutils {

/// A mixture of K zero-mean Gaussians of P x P patches whose own mean was taken off: d = P^2 values, the constant
/// direction has no variance. Units: those of the pixels.
struct PatchMixture {
  std::int64_t patch = 0;
  std::vector<double> weights;      ///< K, sum 1
  std::vector<double> eigenvalues;  ///< K x d, falling in each component; the last one, 0, is that of the constant
  std::vector<float> basis;         ///< K x d x d: row j of component k is the unit vector u_kj

  std::int64_t components() const { return static_cast<std::int64_t>(weights.size()); }
  std::int64_t dim() const { return patch * patch; }
  const float* basis_of(std::int64_t k) const { return basis.data() + k * dim() * dim(); }
  const double* eigenvalues_of(std::int64_t k) const { return eigenvalues.data() + k * dim(); }
};

/// From K covariances, d x d each, symmetric, and weights. What they say of the constant direction is dropped.
PatchMixture patch_mixture(std::int64_t patch, std::vector<double> weights, const std::vector<double>& covariances);

/// The same law of patches in other units: `factor` times the pixels.
PatchMixture scaled(const PatchMixture& mixture, double factor);

/// The places of a band of a grid by the component that their patches belong to: those of k are
/// places[begin[k]] ... places[begin[k + 1] - 1], in the order of the grid.
struct LabelledPlaces {
  std::vector<PatchPlace> places;
  std::vector<std::int32_t> begin;
};

/// Tells which component a patch seen under white noise belongs to, by the largest log posterior
///   log pi_k - 1/2 [ sum_{j < r} log(l_kj + s) + (d - 1 - r) log(t_k + s) ]
///            - 1/2 |y|^2 / (t_k + s) + 1/2 |B_k y|^2,   rows of B_k: sqrt(1 / (t_k + s) - 1 / (l_kj + s)) u_kj^T
/// with y the patch without its mean, l_kj the r largest eigenvalues and t_k the mean of the others: a covariance of
/// rank r and a flat tail. The cost is K r d products a patch.
/// Source: the low-rank form of FEPLL (Parameswaran et al., 2018); hard labels as in EPLL (Zoran and Weiss, 2011).
class HardGate {
 public:
  /// rank: 1 ... d - 1; variance s > 0, in the mixture's units squared.
  HardGate(const PatchMixture& mixture, std::int64_t rank, double variance);

  /// The places of `band`, labelled by their patches in `image`.
  LabelledPlaces label(const PaddedPlane& image, const PatchGrid& grid, std::int64_t band) const;

 private:
  void label_chunk(const PaddedPlane& image, const std::vector<PatchPlace>& places, std::int64_t first,
                   std::int64_t count, std::int32_t* labels) const;

  std::int64_t patch_, components_, rank_;
  std::vector<float> maps_;  ///< B_k, one after the other: K r rows of d
  std::vector<float> constant_, share_;
};

/// All bands of a grid, over the threads.
std::vector<LabelledPlaces> label_all(const HardGate& gate, const PaddedPlane& image, const PatchGrid& grid);

}  // namespace noiseutils

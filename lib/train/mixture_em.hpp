#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/mixture.hpp"

namespace noiseutils {

/// How a mixture is fitted.
struct MixtureRequest {
  std::int64_t components = 1;
  std::int64_t rank = 0;          ///< eigenpairs a component; 0: chosen by the data, each component its own
  std::int64_t iterations = 100;  ///< at most
  std::int64_t restarts = 1;      ///< starts, of which the likeliest end counts
  std::uint64_t seed = 0;
  double noise_variance = 0;  ///< t, white, in the vectors
  bool fit_noise = false;     ///< t is fitted, one for all components, and there is no other residual variance
  double prior_count = 0;     ///< nu: vectors that the prior of a covariance weighs as much as
  double prior_variance = 0;  ///< of its mean, this times I (of clean vectors)
  bool zero_means = false;
  std::int64_t levels = 0;  ///< channels whose level was taken off: there the vectors are 0
};

/// Vectors of one type, row-major n x d.
template <class T>
struct MixtureRows {
  const T* values = nullptr;
  std::int64_t n = 0, d = 0;
  const T* row(std::int64_t i) const { return values + i * d; }
};

/// Which vectors a component is made of, and with what weight each.
using Members = std::vector<std::pair<std::int32_t, float>>;

struct MixtureFit {
  MixtureLaw law;                 ///< of clean vectors; level rows have mean and eigenvalue 0
  double noise_variance = 0;      ///< t
  double log_likelihood = 0;      ///< sum over the vectors, at t
  std::vector<double> objective;  ///< after each step: log likelihood plus log prior; it only rises
};

/// Expectation-maximisation for
///   y ~ sum_k pi_k N(mu_k, C_k + t I),  C_k = U_k diag(lambda_k) U_k^T + rho_k (I - U_k U_k^T)
/// E: r_ik = w_k(y_i).  M, with N_k = sum_i r_ik, S_k = sum_i r_ik (y_i - mu_k)(y_i - mu_k)^T, nu the prior's count:
///   pi_k = N_k / n (with a prior (N_k + 1) / (n + K)),  mu_k = sum_i r_ik y_i / N_k,
///   u_kj, l_kj the eigenpairs of (S_k + nu s I) / (N_k + nu), falling, s the prior's variance plus the known t,
///   lambda_kj = max(0, l_kj - t) for j < r, rho_k = max(0, mean_{j >= r} l_kj - t),
/// the exact maximum of the expected log likelihood plus the prior's -nu/2 [log |C_k + t I| + s tr (C_k + t I)^-1], so
/// that the sum of both never falls. With fit_noise t = mean of l_kj over all j >= r, weighted by N_k, and whichever
/// l_kj are below it pooled with them, rho_k = 0. A component of fewer vectors than it has dimensions starts anew at
/// the vector that fits worst; late ones are dropped; `objective` then begins again. rank 0: fitted at full rank, then
/// each component keeps the rank that minimises the BIC of its eigenvalues (t = 0) or beyond which their mean is at
/// most t (Houdard et al. 2018), and is fitted on. Source: Tipping and Bishop 1999 (mixtures of probabilistic PCA);
/// methods' section 4.
MixtureFit fit_mixture(const MixtureRows<double>& rows, const MixtureRequest& request);
MixtureFit fit_mixture(const MixtureRows<float>& rows, const MixtureRequest& request);

/// -2 log_likelihood + p log n with p the free numbers of the law (and of t).
double mixture_bic(const MixtureFit& fit, const MixtureRequest& request, std::int64_t n);

/// Starting members, `restart` 0, 1, ...:
/// 0 where n <= 20,000 and means are free or the dimension is not cut into patches: thresholding subspace clustering
///   (Heckel and Boelcskei 2015) of up to 1000 vectors: of each the q nearest by |cos|, weights exp(-2 arccos |cos|),
///   normalised Laplacian, K eigenvectors, K-means;
/// odd: K seeds far from each other (K-means++), each with the vectors nearest to it;
/// even, and always for zero means: K random seeds s with energy of at least `least_energy`, each with the best 2 % of
///   20,000 vectors by |cos| - .3 |log((|x|^2 + e) / (|s|^2 + e)) / 2|, e = least_energy.
template <class T>
std::vector<Members> mixture_start(const MixtureRows<T>& rows, const MixtureRequest& request, double least_energy,
                                   std::int64_t restart);

}  // namespace noiseutils

#pragma once

#include "model/linear_model.hpp"

namespace noiseutils {

/// The numbers of a mixture of K Gaussians, as its model file holds them; rows of all components one after the other.
struct MixtureLaw {
  std::vector<double> weights;             ///< pi_k > 0, sum 1
  std::vector<double> means;               ///< mu_k, K x d
  std::vector<std::int64_t> ranks;         ///< r_k, 1 to d
  Tensor eigenvectors;                     ///< u_kj, sum r_k x d, F32 or F64, orthonormal within a component
  std::vector<double> eigenvalues;         ///< lambda_kj >= 0, sum r_k
  std::vector<double> residual_variances;  ///< rho_k >= 0, K; of no meaning where r_k = d
  /// Of patches: how many leading rows of each component are the same: the levels of the channels, with one mean and
  /// variance for all components. A patch's level then tells nothing of its component. 0: none.
  std::int64_t level_rows = 0;
  std::map<std::string, std::string> facts;  ///< further metadata: model.log_likelihood, model.bic ...

  std::int64_t components() const { return static_cast<std::int64_t>(weights.size()); }
};

/// A mixture of Gaussians, of low rank or full:
///   p(x) = sum_k pi_k N(x; mu_k, C_k),  C_k = U_k diag(lambda_k) U_k^T + rho_k (I - U_k U_k^T)
/// With t = sigma^2, c_k = U_k^T (y - mu_k), r_k the part of y - mu_k outside the span of U_k:
///   log N_k(y) = -1/2 [ sum_j c_kj^2/(lambda_kj + t) + |r_k|^2/(rho_k + t)
///                       + sum_j log(lambda_kj + t) + (d - r_k) log(rho_k + t) + d log 2 pi ]
///   w_k(y) = pi_k N_k(y) / sum_l pi_l N_l(y)
///   D(y) = sum_k w_k D_k(y),  score s(y) = sum_k w_k s_k(y),  D_k, s_k those of component k alone
///   J(y) = sum_k w_k J_k + t sum_k w_k (s_k - s)(s_k - s)^T
/// (the last one is the usual (1/t)[sum w_k D_k D_k^T - D D^T], which cancels for small t; J is never formed).
/// Source: Wang et al. 2024 (arXiv 2409.02426), their low-rank mixture with means, eigenvalues and a floor of variance.
class MixtureModel : public Model {
 public:
  /// Throws DataError where sizes disagree or values are out of range.
  MixtureModel(ModelInfo info, MixtureLaw law);

  const MixtureLaw& law() const { return law_; }
  std::int64_t components() const { return law_.components(); }
  /// N(mu_k, C_k) alone: its posterior mean, and its posterior covariance sigma^2 U diag(g) U^T by the Wiener gains g.
  const LinearModel& component(std::int64_t k) const { return *components_[static_cast<std::size_t>(k)]; }
  /// Row of eigenvectors() and eigenvalues that component k begins at; k = K: one past the last.
  std::int64_t first_row(std::int64_t k) const { return first_rows_[static_cast<std::size_t>(k)]; }
  /// All eigenvectors, sum r_k x d.
  template <class T>
  const std::vector<T>& basis() const {
    if constexpr (sizeof(T) == sizeof(float))
      return basis_float_;
    else
      return basis_double_;
  }

  /// w_k(y), the probability that y came from component k, n x K.
  void responsibilities(double sigma, std::span<const float> y, std::span<double> weights) const;
  void responsibilities(double sigma, std::span<const double> y, std::span<double> weights) const;
  /// The most probable component of each vector.
  std::vector<std::int32_t> labels(double sigma, std::span<const float> y) const;
  std::vector<std::int32_t> labels(double sigma, std::span<const double> y) const;
  /// Var(x_i | y) = sigma^2 J_ii of each element.
  void posterior_variance(double sigma, std::span<const float> y, std::span<float> out) const;
  void posterior_variance(double sigma, std::span<const double> y, std::span<double> out) const;

  std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t vectors) const override;
  std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t vectors) const override;
  void jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                        std::span<float> out) const override;
  void jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                        std::span<double> out) const override;
  std::vector<double> log_density(double sigma, std::span<const float> y) const override;
  std::vector<double> log_density(double sigma, std::span<const double> y) const override;
  /// x = mu_k + C_k^(1/2) z: the first normal also chooses k (pick_component()).
  void draw(std::span<const float> normals, std::span<float> x) const override;
  void draw(std::span<const double> normals, std::span<double> x) const override;

  std::unique_ptr<Posterior> posterior(double sigma) const override;

  std::map<std::string, Tensor, std::less<>> tensors() const override;
  std::map<std::string, std::string> metadata() const override;
  const MixtureModel* mixture() const override { return this; }

 private:
  MixtureLaw law_;
  std::vector<std::int64_t> first_rows_;
  std::vector<double> basis_double_;
  std::vector<float> basis_float_;
  std::vector<std::shared_ptr<const LinearModel>> components_;
};

/// The same from the tensors "weights" [K], "means" [K,d], "ranks" [K] (I64), "eigenvectors" [R,d], "eigenvalues" [R]
/// and "residual_variances" [K], and the metadata model.levels.
std::unique_ptr<Model> mixture_from_tensors(ModelInfo info, const Record& record);

/// Chooses k with probability weights[k] by one standard normal, and makes of it a normal that is independent of k:
/// with u = Phi(normal) in [W_k-1, W_k), W the running sums of the weights, normal becomes
/// Phi^-1((u - W_k-1) / weights[k]). Between the places where k changes, a smooth function of it.
std::int64_t pick_component(std::span<const double> weights, double& normal);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <vector>

#include "model/mixture.hpp"

namespace noiseutils {

/// What is known of n vectors y under a mixture at one noise level.
template <class T>
struct MixtureBlock {
  std::int64_t n = 0;
  std::vector<T> centred;             ///< y - mean of the law, n x d
  std::vector<T> coefficients;        ///< c_k of all components, n x R
  std::vector<double> weights;        ///< w_k, n x K
  std::vector<double> log_joint;      ///< log pi_k N_k(y), n x K
  std::vector<double> log_densities;  ///< log p_sigma(y), n
  std::vector<T> scratch, projected, product;
};

/// A mixture made ready for one noise level: what its posterior mean, score, Jacobian and densities share. The formulas
/// stand in mixture.hpp. Vectors are handled in blocks of at most wave().
template <class T>
class MixtureAt {
 public:
  /// Throws UsageError for sigma < 0.
  MixtureAt(const MixtureModel& model, double sigma);
  std::int64_t wave() const;

  /// Coefficients, densities and weights of n vectors.
  void load(const T* y, std::int64_t n, MixtureBlock<T>& block) const;
  /// Of the vectors loaded. Each overwrites the block's coefficients.
  void posterior_mean(MixtureBlock<T>& block, T* out) const;
  void score(MixtureBlock<T>& block, T* out) const;
  void jacobian_product(MixtureBlock<T>& block, const T* v, T* out) const;
  void posterior_variance(MixtureBlock<T>& block, T* out) const;

 private:
  void add_tails(std::int64_t k, MixtureBlock<T>& block) const;
  void add_plain_tails(MixtureBlock<T>& block) const;
  void add_product(MixtureBlock<T>& block, T* out) const;
  /// sum_j U_j c_j over all components, plus sum_k shift[k] (mu_k - mean), n x d.
  void synthesise(MixtureBlock<T>& block, const std::vector<double>& shift, T* out) const;

  const MixtureModel& model_;
  double t_;
  std::int64_t d_, components_, rows_;
  std::vector<T> mean_;                  ///< of the law, d
  std::vector<T> shifts_;                ///< mu_k - mean, K x d
  bool shifted_ = false;                 ///< some shift is not 0
  std::vector<T> offsets_;               ///< U_k^T (mu_k - mean), R
  std::vector<double> constants_;        ///< log pi_k N_k(mu_k), K
  std::vector<double> precisions_;       ///< 1 / (lambda + t), R
  std::vector<double> tail_precisions_;  ///< 1 / (rho + t), 0 where r_k = d; K
  std::vector<double> gains_, tail_gains_;
  std::vector<T> diagonals_;  ///< of J_k, K x d
  std::vector<char> plain_;   ///< whether |r_k|^2 = |y - mu_k|^2 - |c_k|^2 may be computed so; K
  bool any_plain_ = false;
};

extern template class MixtureAt<float>;
extern template class MixtureAt<double>;

}  // namespace noiseutils

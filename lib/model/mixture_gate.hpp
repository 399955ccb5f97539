#pragma once

#include <cstdint>
#include <vector>

#include "model/mixture.hpp"

namespace noiseutils {

/// Which component a patch is of, for millions of them: single precision, one matrix product.
/// With t the variance of the noise, a_k = 1/(rho_k + t), e the free dimensions (d less the levels), z the patch:
///   log pi_k N_k(z) = c_k - a_k |z|^2 / 2 + sum_j s_kj (b_kj . z)^2 / 2 + m_k . z
///   b_kj = sqrt |a_k - 1/(lambda_kj + t)| u_kj,  s_kj its sign,  m_k = P_k mu_k (P_k the inverse covariance)
///   c_k = log pi_k - 1/2 [ sum_j log(lambda_kj + t) + (e - r_k) log(rho_k + t) + e log 2 pi + mu_k . m_k ]
/// Of a law with levels apart (MixtureLaw::level_rows) z must have none, and the density is that without them.
/// The form cancels where t is far below the patches' energy: it chooses components; densities are MixtureAt's.
/// Patches are planar: element j of patch i at z[j * n + i].
class MixtureGate {
 public:
  MixtureGate(const MixtureLaw& law, std::int64_t dim, double variance);

  std::int64_t components() const { return components_; }
  /// joint[k * n + i] = log pi_k N_k of patch i.
  void log_joint(std::int64_t n, const float* z, float* joint) const;
  /// The largest one of each patch.
  void labels(std::int64_t n, const float* z, std::int32_t* labels) const;

 private:
  /// Components whose rows are multiplied at once.
  struct Group {
    std::int64_t first = 0, last = 0, first_row = 0, rows = 0;
  };
  /// joint of the components of a group, n x its components.
  void group_joint(const Group& group, std::int64_t n, const float* z, const float* energy, float* joint) const;

  std::int64_t dim_, components_;
  std::vector<std::int64_t> first_rows_;
  std::vector<bool> linear_;              ///< component k has a last row m_k
  std::vector<float> rows_;               ///< b_kj and m_k, row-major
  std::vector<float> signs_;              ///< s_kj / 2
  std::vector<float> constants_, tails_;  ///< c_k, a_k / 2
  std::vector<Group> groups_;
};

}  // namespace noiseutils

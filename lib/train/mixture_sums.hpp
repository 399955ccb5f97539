#pragma once

#include <cstdint>
#include <vector>

#include "train/mixture_density.hpp"
#include "train/mixture_em.hpp"
#include "train/mixture_step.hpp"

namespace noiseutils {

/// What an E-step under one law sums over vectors that no memory need hold: the sufficient statistics of the M-step.
/// The moments of a component are about its mean under that law, so that nothing cancels when it hardly moves:
///   N_k = sum_i r_ik,  s_k = sum_i r_ik (y_i - mu_k),  S_k = sum_i r_ik (y_i - mu_k)(y_i - mu_k)^T
/// Sums of disjoint vectors under the same law add up: a monoid. K (d + 1)(d + 2) / 2 doubles.
struct MixtureSums {
  MixtureSums() = default;
  MixtureSums(std::int64_t components, std::int64_t d);

  double count = 0, log_likelihood = 0;
  double square = 0;             ///< sum_i |y_i|^2
  std::vector<double> sum;       ///< sum_i y_i, d
  std::vector<double> counts;    ///< N_k
  std::vector<double> shifts;    ///< s_k, K x d
  std::vector<double> scatters;  ///< S_k, K x d(d+1)/2, the upper triangle column after column

  std::int64_t components() const { return static_cast<std::int64_t>(counts.size()); }
  std::int64_t dim() const { return static_cast<std::int64_t>(sum.size()); }

  /// Adds the E-step of some vectors, rows x d, over the threads: r_ik of mixture_expectation() under `density`, whose
  /// law has these `means`, K x d. With zero means s_k is left 0. Dempster, Laird and Rubin 1977, as the sufficient
  /// statistics of Neal and Hinton 1998, section 3.
  template <class T>
  void add(const Density<T>& density, const std::vector<double>& means, bool zero_means, const MixtureRows<T>& rows);
  void merge(const MixtureSums& other);
  /// All of them `factor` times.
  void scale(double factor);
  /// The sums of the same vectors and weights about other means, K x d, by the theorem of parallel axes:
  ///   s_k' = s_k + N_k e,  S_k' = S_k + s_k e^T + e s_k^T + N_k e e^T,  e = mu_k - mu_k'
  void move(const std::vector<double>& from, const std::vector<double>& to);
  /// Of an element of the vectors, about their mean unless `zero_means`, `levels` dimensions left out.
  double mean_variance(std::int64_t levels, bool zero_means) const;
};

/// The sums that a law expects of one vector in white noise of variance t: N_k = pi_k, S_k = pi_k (C_k + t I).
MixtureSums expected_sums(const MixtureLaw& law, std::int64_t d, double t);

/// The M-step. `law` is that of the E-step: its ranks are kept. With `drop` components that hold too few vectors go.
/// objective: log likelihood plus log prior of `law` itself; noise_variance: that of the new law.
MixtureFit maximised(const MixtureSums& sums, const MixtureLaw& law, const MixtureRequest& request, double t,
                     bool drop);

}  // namespace noiseutils

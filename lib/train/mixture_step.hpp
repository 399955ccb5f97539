#pragma once

#include <cstdint>
#include <vector>

#include "train/mixture_em.hpp"

namespace noiseutils {

/// Eigenpairs of the components' (noisy) covariances, falling, levels left out, and what else the M-step needs.
struct MixtureSpectra {
  MixtureSpectra(std::int64_t components, std::int64_t d);

  std::vector<double> counts;                        ///< N_k
  std::vector<double> means;                         ///< mu_k, K x d
  std::vector<std::vector<double>> values, vectors;  ///< l_kj, and u_kj one after the other
};

/// The M-step of expectation-maximisation, whoever summed what the E-step found: the formulas stand in mixture_em.hpp.
class MixtureStep {
 public:
  /// Least variance, in units of the mean one: the likelihood has no bound without.
  static constexpr double kFloor = 1e-8;

  /// `mean_variance`: of an element of the (noisy) vectors about their mean, levels left out; the prior and the floor
  /// are parts of it. Throws DataError unless it is a finite number above 0.
  MixtureStep(const MixtureRequest& request, std::int64_t d, double mean_variance);

  double mean_variance() const { return mean_variance_; }
  double noise_variance() const { return t_; }  ///< t; with fit_noise that of the last law_of()
  void set_noise_variance(double t) { t_ = t; }
  /// |x|^2 below which a vector tells too little to start a component from.
  double least_energy() const;
  std::vector<std::int64_t>& ranks() { return ranks_; }  ///< r_k without levels: to be set before law_of()

  /// Vectors that a component of this rank must hold, not to be taken for one too many.
  double least_count(std::int64_t rank) const;

  /// Component k of `all` from its count and scatter: sum_i r_ik (y_i - mu_k)(y_i - mu_k)^T, d x d, column-major, upper
  /// triangle, which is used up. `ridge` is added to the covariance (of starts).
  void add_spectrum(std::int64_t k, double count, std::vector<double>& scatter, double ridge,
                    MixtureSpectra& all) const;
  /// The law of these moments; with fit_noise the noise variance first.
  MixtureLaw law_of(const MixtureSpectra& spectra);
  double log_prior(const MixtureLaw& law) const;
  /// The rank of a component of `count` vectors with these eigenvalues, where the data say it (MixtureRequest::rank 0).
  std::int64_t rank_of(const std::vector<double>& values, double count) const;

 private:
  /// Takes the levels, along which nothing varies but by rounding, exactly out of the scatter (upper triangle), and
  /// makes them its largest eigenvectors, to be told from the others.
  void put_levels_first(std::vector<double>& scatter) const;
  /// The mean of the eigenvalues beyond the ranks and of those that it exceeds.
  double fitted_noise(const MixtureSpectra& spectra) const;

  MixtureRequest request_;
  std::int64_t dim_, free_;
  double t_, mean_variance_;
  double clean_prior_ = 0, prior_ = 0;  ///< variances of the prior, of clean and of noisy vectors
  std::vector<std::int64_t> ranks_;
};

}  // namespace noiseutils

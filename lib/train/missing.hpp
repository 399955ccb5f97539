#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "train/statistics.hpp"

namespace noiseutils {

/// Vectors of which some elements were not seen: y = A x + n, A the elements that were, n ~ N(0, v I).
struct MaskedVectors {
  std::int64_t dim = 0;
  std::vector<double> values;                    ///< n x dim; what was not seen is ignored
  std::vector<std::vector<std::uint8_t>> masks;  ///< distinct ones: dim values, 1 where seen, some of them
  std::vector<std::size_t> mask_of;              ///< of each vector
  std::vector<double> variances;                 ///< v of each vector, > 0

  std::int64_t count() const { return static_cast<std::int64_t>(mask_of.size()); }
};

/// A Gaussian law, and how likely the vectors were under the laws before it.
struct MaskedLaw {
  std::vector<double> mean, covariance;  ///< dim; dim x dim, symmetric
  std::vector<double> log_likelihoods;   ///< of all vectors, at the start and after each step but the last: they rise
};

/// Maximum likelihood by EM, exact in the E-step. With O the elements seen of vector i, S = Sigma_OO + v I and
/// w_i = S^-1 (y_i - mu)_O put to the places O of a vector that is 0 elsewhere:
///   mu' = mu + Sigma mean w_i,
///   Sigma' = Sigma + Sigma [mean (w_i w_i^T - S^-1)] Sigma - (mu' - mu)(mu' - mu)^T,
/// which is the mean of m_i m_i^T + C_i - mu' mu'^T of posterior means and covariances. One factorisation a distinct
/// mask and noise level and step. Ends after `steps`, or where the likelihood of a value seen rises by less than 1e-6.
/// Starts from the means and variances of what was seen of each element. Same bits for any number of threads.
/// Throws DataError if an element was never seen, or never varies beyond the noise.
/// Source: Little, Rubin, "Statistical analysis with missing data", ch. 8; Rozet et al. 2024 for masks that differ.
MaskedLaw masked_law(const MaskedVectors& vectors, std::int64_t steps);

/// The statistics of `gaussian --missing`: the vectors themselves, with masks from the companion `mask` or from what
/// noise --operator mask or box left in the metadata.
std::unique_ptr<Statistics> missing_statistics(const VectorLayout& layout, const OptionValues& given);
std::unique_ptr<Statistics> missing_statistics(const VectorLayout& layout, const OptionValues& given,
                                               const Record& state);

}  // namespace noiseutils

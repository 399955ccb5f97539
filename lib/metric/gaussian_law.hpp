#pragma once

#include <cstdint>
#include <vector>

#include "metric/sample_set.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// N(mean, F^T F), in factored form: what Gaussian distances are computed from, also with fewer samples than
/// dimensions.
struct GaussianLaw {
  std::int64_t count = 0;      ///< samples that it was fitted to; 0: known, a model
  std::vector<double> mean;    ///< dim
  std::vector<double> factor;  ///< F, rank x dim, row-major

  std::int64_t dim() const { return static_cast<std::int64_t>(mean.size()); }
  std::int64_t rank() const { return static_cast<std::int64_t>(factor.size() / mean.size()); }
};

/// The law with the mean and the covariance (over n - 1) of the samples: F is the centred samples / sqrt(n - 1), or,
/// if there are more samples than dimensions, diag(sqrt(lambda)) U^T of the covariance. DataError for fewer than two
/// samples.
GaussianLaw fitted_law(SampleSet& set);
/// The same of rows: count x dim.
GaussianLaw fitted_law(const SampleRows& rows);
/// The law of a linear model. DataError if the model is not linear.
GaussianLaw law_of_model(const Model& model);

/// The nonzero eigenvalues of the covariance, rising; the larger of rank and dim counts the work.
std::vector<double> covariance_eigenvalues(const GaussianLaw& law);
/// F^T F + ridge I, dim x dim, symmetric.
std::vector<double> covariance(const GaussianLaw& law, double ridge);

}  // namespace noiseutils

#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "model/linear_model.hpp"

namespace noiseutils {

/// One Gaussian of a law: its weight, and the law that it is alone.
struct GaussianPart {
  double weight;
  const LinearModel* law;
};

/// The Gaussians that a law is a mixture of, one for a linear model; none for other kinds. They live as long as the
/// model.
std::vector<GaussianPart> gaussian_parts(const Model& model);

/// The smallest variance that a law has along any direction, 0 where it is not known.
double smallest_variance(const Model& model);

/// A Gaussian with its covariance written out.
struct DenseGaussian {
  double log_weight;
  std::span<const double> mean;
  Eigen::MatrixXd covariance;  ///< U diag(lambda) U^T + rho (I - U U^T)
};

/// The same parts, for laws of at most 4096 dimensions: UsageError, in the name of `who`, for larger ones.
std::vector<DenseGaussian> dense_parts(const Model& model, const std::string& who);

}  // namespace noiseutils

#pragma once

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

/// The covariance U diag(lambda) U^T + rho (I - U U^T), dim x dim.
std::vector<double> covariance_matrix(const LinearModel& law);

}  // namespace noiseutils

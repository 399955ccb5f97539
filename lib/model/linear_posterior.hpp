#pragma once

#include <memory>

#include "model/linear_model.hpp"
#include "model/posterior.hpp"

namespace noiseutils {

/// The posterior of a Gaussian law, Gaussian with a covariance that does not depend on y (t = sigma^2):
///   x | y ~ N(D(y), U diag(lambda t / (lambda + t)) U^T + rho t / (rho + t) (I - U U^T))
/// A draw is D(y) + (that covariance)^(1/2) z, the symmetric root. `model` must outlive it.
std::unique_ptr<Posterior> linear_posterior(const LinearModel& model, double sigma);

}  // namespace noiseutils

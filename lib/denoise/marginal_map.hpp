#pragma once

#include <functional>
#include <memory>

#include "denoise/exponential_family.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// Estimates every element from its noisy value y and what the model says of the law p_sigma of the noisy vector: of
/// the element alone, the others given, the score s_i and its derivative ds_i/dy_i = (J_ii - 1) / sigma^2, J the
/// Jacobian of the posterior mean. Of linear models the derivative is the same for all vectors; mixtures have
/// it in closed form; of others it takes a Jacobian product for every element.
using ElementEstimate = std::function<double(double y, const Marginal& marginal)>;

/// diagonal: ds_i/dy_i of each element, where it is known; empty: it is worked out if `with_derivative`, else 0.
std::unique_ptr<VectorMap> marginal_map(std::shared_ptr<const Model> model, double sigma, bool with_derivative,
                                        std::vector<double> diagonal, ElementEstimate estimate);

/// ds_i/dy_i of a linear model of these vectors; empty for others. Throws DataError where a sample has too many
/// elements.
std::vector<double> score_diagonal(const std::shared_ptr<const Model>& model, const std::string& axes,
                                   const Shape& shape, double sigma);

}  // namespace noiseutils

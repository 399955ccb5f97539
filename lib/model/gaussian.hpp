#pragma once

#include "model/linear_model.hpp"

namespace noiseutils {

/// N(mean, U diag(lambda) U^T + rho (I - U U^T)) with every eigenvector stored.
/// mean: dim values. eigenvectors: rank x dim, F32 or F64, row k is the unit vector u_k; eigenvalues: lambda_k >= 0.
/// Throws DataError where sizes disagree, values are not finite or the rows are not orthonormal.
std::unique_ptr<LinearModel> gaussian_model(ModelInfo info, std::vector<double> mean, Tensor eigenvectors,
                                            std::vector<double> eigenvalues, double residual_variance);

/// The same from the tensors "mean" [dim], "eigenvectors" [rank,dim], "eigenvalues" [rank] and, where rank < dim,
/// "residual_variance" [1].
std::unique_ptr<Model> gaussian_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils

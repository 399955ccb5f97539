#pragma once

#include "model/fitted_denoiser.hpp"

namespace noiseutils {

/// The denoiser D(y) = W y + b, fitted by some regression for noise levels in `range`.
/// weights: dim x dim, row-major, F32 or F64; offset: dim. The Jacobian is W, symmetric only where the regression made
/// it so. Throws DataError where sizes disagree or values are not finite.
std::unique_ptr<Model> affine_model(ModelInfo info, Tensor weights, std::vector<double> offset, SigmaRange range);

/// The same from the tensors "weights" [dim,dim], "offset" [dim] and "sigma" [2].
std::unique_ptr<Model> affine_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils

#pragma once

#include "model/fitted_denoiser.hpp"

namespace noiseutils {

/// The denoiser D(y) = W y + b, fitted by some regression for noise levels in `range`.
/// weights: dim x dim, row-major, F32 or F64; offset: dim. The Jacobian is W, symmetric only where the regression made
/// it so. Throws DataError where sizes disagree or values are not finite.
std::unique_ptr<Model> affine_model(ModelInfo info, Tensor weights, std::vector<double> offset, SigmaRange range);

/// An affine denoiser of one noise level.
struct AffineLevel {
  double sigma = 0;            ///< of the noise, in units of data
  Tensor weights;              ///< dim x dim, row-major
  std::vector<double> offset;  ///< dim
};

/// D(y; sigma) = W y + b of the nearest of several levels, by the ratio of the sigmas; a sigma that is further than a
/// tenth from all of them is refused (DataError naming them). Levels in any order, weights all of one type. Throws
/// DataError where sizes disagree, values are not finite, or two levels are of one sigma.
std::unique_ptr<Model> affine_levels_model(ModelInfo info, std::vector<AffineLevel> levels);

/// The first from the tensors "weights" [dim,dim], "offset" [dim] and "sigma" [2]; the second from "weights"
/// [levels,dim,dim], "offset" [levels,dim] and "sigma" [levels], rising.
std::unique_ptr<Model> affine_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils

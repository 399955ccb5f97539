#pragma once

#include <memory>

#include "base/option.hpp"
#include "model/denoiser.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// The estimates of model_denoiser() one sample at a time. Of linear models the derivatives are known:
///   whole samples  dD_i/dy_i = sum_k U_ik^2 g_k + (1 - sum_k U_ik^2) g_r,  g the Wiener gains
///   patches        the average, over the patches that cover pixel i, of that of the patch at the pixel's place in it
std::unique_ptr<Denoiser> model_as_denoiser(std::shared_ptr<const Model> model);

/// What --model and --denoiser (denoiser_options()) ask for. UsageError unless exactly one of them is given.
std::unique_ptr<Denoiser> make_denoiser(const OptionValues& options);

}  // namespace noiseutils

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/option.hpp"
#include "denoise/float_plane.hpp"
#include "denoise/sample_denoiser.hpp"
#include "denoise/tiles.hpp"
#include "model/mixture.hpp"

namespace noiseutils {

/// How an image is denoised by a mixture of patches.
struct MixtureSteps {
  bool epll = false;         ///< continuation, else one pass
  std::int64_t stride = 1;   ///< of the patches
  bool by_variance = false;  ///< patches weigh by their posterior variance
  std::int64_t passes = 1;   ///< 2: again by the mixture adapted to the first estimate
};

/// The estimate of one image, planes of its channels, whose noise is white with standard deviation sigma, in the units
/// of the model. epll: from x = y on, for each beta of 1, 4, 8, 16, 32, 64
///   m = average of the patches' most probable estimates at noise variance sigma^2 / beta,  x = (y + beta m) / (1 +
///   beta)
/// the half-quadratic splitting of min |x - y|^2 / (2 sigma^2) - sum log p(patches of x).
/// Source: Zoran and Weiss 2011 (EPLL).
std::vector<FloatPlane> denoise_by_mixture(const MixtureModel& model, const std::vector<FloatPlane>& noisy,
                                           double sigma, const MixtureSteps& steps);

/// The same of samples; images above 1088 pixels a side in tiles (tiles.hpp). UsageError for a stride that leaves gaps.
std::unique_ptr<SampleDenoiser> mixture_denoiser(std::shared_ptr<const Model> model, const MixtureSteps& steps);

/// Estimates a tile of an image, planes of its channels.
using TileDenoiser = std::function<std::vector<FloatPlane>(const std::vector<FloatPlane>& noisy)>;
/// An image C x H x W, any float type, cut into tiles and put together again; writes to out, C x H x W.
template <class Real>
void denoise_in_tiles(const Tensor& image, const Shape& planes, const TileDenoiser& denoise, Real* out);

/// --patches --stride --weights --passes
std::vector<OptionSpec> mixture_steps_options();
/// The denoiser that they ask for, or nullptr where they ask for the posterior mean of every patch. UsageError where
/// they do not fit the model.
std::unique_ptr<SampleDenoiser> asked_mixture_denoiser(std::shared_ptr<const Model> model, const OptionValues& options);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <vector>

#include "denoise/float_plane.hpp"
#include "model/mixture.hpp"

namespace noiseutils {

/// How patches are taken and put back.
struct MixturePass {
  std::int64_t stride = 1;   ///< of the patches, at most P / 2 beyond 1; odd rows of them are shifted by stride / 2
  bool shifted = false;      ///< even rows are shifted instead
  bool by_variance = false;  ///< estimates weigh as the inverse of their component's mean posterior variance
};

/// One pass over all patches of an image whose noise has variance t:
///   k(y) = argmax_k pi_k N(y; mu_k, C_k + t I) for each patch y,  x^ = mu_k + C_k (C_k + t I)^-1 (y - mu_k),
/// and of overlapping estimates the (weighted) average. The image is continued by reflection, so that every pixel has
/// its full number of patches. image: one plane a channel, at least P x P. In single precision; patches are cut into
/// fixed bands: the same bytes for any number of threads.
/// Source: Zoran and Weiss 2011 (one step of EPLL); the quincunx of stride 2: methods, denoise-recipe-trained 3.2.
std::vector<FloatPlane> mixture_pass(const MixtureModel& model, const std::vector<FloatPlane>& image, double variance,
                                     const MixturePass& pass);

/// The mixture adapted to an estimate x of the image: its patches are labelled at the variance of their error, and
///   C_k' = (S_k + nu C_k) / (n_k + nu),  pi_k' = (n_k + nu pi_k) / (n + nu),
/// S_k the sum of x x^T about mu_k over the n_k patches of component k; means, levels and ranks stay.
/// Source: methods, denoise-recipe-trained 3.4 (the step of maximisation under an inverse Wishart prior).
MixtureModel adapted_mixture(const MixtureModel& model, const std::vector<FloatPlane>& estimate, double variance,
                             double nu, std::int64_t stride);

}  // namespace noiseutils

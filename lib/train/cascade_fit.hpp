#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/cascade.hpp"

namespace noiseutils {

/// A clean image of the training set, in the units of the pixels, and its global number.
struct CleanImage {
  std::int64_t index = 0;
  PaddedPlane pixels;
};

struct CascadeRequest {
  std::int64_t stages = 2;
  std::int64_t rank = 12;  ///< of the gate: principal directions a component
  double sigma = 0;        ///< of the noise to learn for
  std::uint64_t seed = 0;  ///< of that noise: Purpose::train, the image's number, copy 16 t + i for copy i in stage t
};

/// Learns the stages one after the other from clean images with white noise put on them, new noise for each stage:
/// stage 1 on three copies of each image, turned and mirrored at random, later ones on one. Each stage minimises the
/// squared error of its averaged image by four steps of fit_average(). tell: a line of progress.
CascadeLevel fit_cascade(const PatchMixture& mixture, const std::vector<CleanImage>& images,
                         const CascadeRequest& request, const std::function<void(const std::string&)>& tell = {});

/// A clean image, a noisy one of it, and another method's estimate, in the units of the pixels.
struct FusionImage {
  std::int64_t index = 0;
  PaddedPlane clean, noisy, guide;
};

/// The gains, K x d x 3, of the stage that joins the estimate of a cascade's level with another one
/// (CascadeRun::fused()), least squares of the averaged image as for all stages.
std::vector<float> fit_fusion(const PatchMixture& mixture, std::int64_t rank, const CascadeLevel& level,
                              const std::vector<FusionImage>& images);

}  // namespace noiseutils

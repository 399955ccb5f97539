#pragma once

#include <memory>

#include "denoise/sample_denoiser.hpp"

namespace noiseutils {

/// Pixel-shuffle down-sampling (Zhou et al. 2020; AP-BSN, Lee et al. 2022): each of the stride^2 sub-images
/// y[i::stride, j::stride] of an image is denoised by itself, and the estimates are interleaved again. Noise whose
/// covariance is gamma(h) has gamma(stride h) there: none, if it does not reach `stride` pixels far.
/// Takes images, HW or CHW (DataError else), whose sub-images `inner` takes. With stride 1 that is `inner`.
std::unique_ptr<SampleDenoiser> strided_denoiser(std::unique_ptr<SampleDenoiser> inner, std::int64_t stride);

}  // namespace noiseutils

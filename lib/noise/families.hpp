#pragma once

#include "noise/noise.hpp"

namespace noiseutils {

// One function a file; noise_families() lists them.
NoiseFamily gaussian_noise();
NoiseFamily poisson_noise();
NoiseFamily gamma_noise();
NoiseFamily poisson_gaussian_noise();
NoiseFamily uniform_noise();
NoiseFamily laplace_noise();
NoiseFamily tweedie_noise();
NoiseFamily rician_noise();
NoiseFamily salt_pepper_noise();
NoiseFamily correlated_noise();
NoiseFamily row_column_noise();
NoiseFamily raw_noise();
NoiseFamily isp_noise();

}  // namespace noiseutils

#include "denoise/sample_denoiser.hpp"

namespace noiseutils {

void SampleDenoiser::check_levels(std::span<const double>) const {}

void SampleDenoiser::produce_knowing(const Tensor& noisy, std::span<const KnownNoise> noises, ByteSink& sink) {
  produce(noisy, mean_levels(noises), sink);
}

std::vector<double> mean_levels(std::span<const KnownNoise> noises) {
  std::vector<double> sigmas;
  for (const KnownNoise& noise : noises) sigmas.push_back(noise.sigma);
  return sigmas;
}

}  // namespace noiseutils

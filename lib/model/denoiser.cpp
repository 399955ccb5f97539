#include "model/denoiser.hpp"

namespace noiseutils {

std::optional<std::vector<double>> Denoiser::jacobian_diagonal(const std::string&, const Shape&, double) {
  return std::nullopt;
}

std::vector<OptionSpec> denoiser_options() {
  return {
      file("model", "FILE", "the denoiser is the posterior mean under this model, as train-linear writes it"),
      text("denoiser", "CMD", "the denoiser is this program, started once: records in, one record out for each"),
      number("timeout", "SECONDS", "how long --denoiser may take for one answer").otherwise("600").above(0),
  };
}

}  // namespace noiseutils

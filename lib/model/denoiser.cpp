#include "model/denoiser.hpp"

namespace noiseutils {

std::optional<std::vector<double>> Denoiser::jacobian_diagonal(const std::string&, const Shape&, double) {
  return std::nullopt;
}

}  // namespace noiseutils

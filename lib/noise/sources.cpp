#include "noise/source.hpp"

namespace noiseutils {

const std::vector<ImageGenerator>& image_sources() {
  static const std::vector<ImageGenerator> sources = {dead_leaves_source(), spectrum_source(), wavelet_source(),
                                                      c_alpha_source(),     discs_source(),    gaussian_field_source(),
                                                      subspaces_source()};
  return sources;
}

}  // namespace noiseutils

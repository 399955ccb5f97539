#include "noise/source.hpp"

namespace noiseutils {

const std::vector<ImageSource>& image_sources() {
  static const std::vector<ImageSource> sources = {dead_leaves_source()};
  return sources;
}

}  // namespace noiseutils

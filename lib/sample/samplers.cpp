#include "sample/sampler.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {ddim_sampler(), exact_sampler()};
  return all;
}

}  // namespace noiseutils

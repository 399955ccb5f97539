#include "noise/families.hpp"

namespace noiseutils {

const std::vector<NoiseFamily>& noise_families() {
  static const std::vector<NoiseFamily> families = {
      gaussian_noise(),   poisson_noise(), gamma_noise(),  poisson_gaussian_noise(), uniform_noise(),
      laplace_noise(),    tweedie_noise(), rician_noise(), salt_pepper_noise(),      correlated_noise(),
      row_column_noise(), raw_noise(),     isp_noise(),
  };
  return families;
}

}  // namespace noiseutils

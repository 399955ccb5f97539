#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {
      ddim_sampler(),
      iadb_sampler(),
      rddm_sampler(),
      interpolant_sampler(),
      reflected_sampler(),
      blackout_sampler(),
      cold_sampler(),
      restoration_degradation_sampler(),
      rolling_sampler(),
      prior_grad_sampler(),
      exact_sampler(),
  };
  return all;
}

template <class T>
void SamplerRun<T>::epsilon(double s, std::span<const T> x, std::span<T> e) const {
  denoiser(s, x, e);
  combine(e, {{1 / s, x}, {-1 / s, e}});
}

template struct SamplerRun<float>;
template struct SamplerRun<double>;

}  // namespace noiseutils

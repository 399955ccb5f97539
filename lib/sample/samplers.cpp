#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {
      ddim_sampler(),
      iadb_sampler(),
      rddm_sampler(),
      interpolant_sampler(),
      exact_sampler(),
      // chains and kin
      ula_sampler(),
      mala_sampler(),
      myula_sampler(),
      ensemble_sampler(),
      dmcmc_sampler(),
      walk_jump_sampler(),
      log_concave_chain_sampler(),
      lml_sampler(),
      adaptive_skip_sampler(),
      blind_sampler(),
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

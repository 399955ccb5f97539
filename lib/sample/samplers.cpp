#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {
      ddim_sampler(),
      ddpm_sampler(),
      ddim_eta_sampler(),
      euler_ancestral_sampler(),
      edm_churn_sampler(),
      dpmpp_sde_1_sampler(),
      dpmpp_2s_sde_sampler(),
      dpmpp_2m_sde_sampler(),
      dpmpp_3m_sde_sampler(),
      song_ancestral_sampler(),
      reverse_diffusion_sampler(),
      euler_maruyama_sampler(),
      accelerated_ddpm_sampler(),
      predictor_corrector_sampler(),
      annealed_langevin_sampler(),
      pc_guidance_sampler(),
      iadb_sampler(),
      rddm_sampler(),
      interpolant_sampler(),
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

#include "sample/sampler.hpp"

#include <utility>

#include "sample/vectors.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {
      // deterministic
      ddim_sampler(),
      euler_sampler(),
      heun_sampler(),
      dpm2_sampler(),
      dpm_solver_sampler(1),
      dpm_solver_sampler(2),
      dpm_solver_sampler(3),
      dpmpp_2s_sampler(),
      dpmpp_2m_sampler(),
      dpmpp_3m_sampler(),
      unipc_sampler(1),
      unipc_sampler(2),
      unipc_sampler(3),
      pndm_sampler(),
      s_pndm_sampler(),
      plms_sampler(),
      lms_sampler(1),
      lms_sampler(2),
      lms_sampler(3),
      lms_sampler(4),
      deis_sampler(1),
      deis_sampler(2),
      deis_sampler(3),
      gradient_estimation_sampler(),
      heavy_ball_sampler(),
      nesterov_sampler(),
      ghvb_sampler(),
      accelerated_ddim_sampler(),
      rk45_sampler(),
      adaptive_skip_sampler(),
      lml_sampler(),
      blind_sampler(),
      // with noise
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
      // with an inverse
      bdia_sampler(),
      edict_sampler(),
      ddpm_inversion_sampler(),
      ddcm_sampler(),
      // chains
      ula_sampler(),
      mala_sampler(),
      myula_sampler(),
      ensemble_sampler(),
      dmcmc_sampler(),
      walk_jump_sampler(),
      log_concave_chain_sampler(),
      // from one law to another, from other corruptions than white noise
      iadb_sampler(),
      interpolant_sampler(),
      rddm_sampler(),
      cold_sampler(),
      restoration_degradation_sampler(),
      prior_grad_sampler(),
      rolling_sampler(),
      spd_sampler(),
      blackout_sampler(),
      reflected_sampler(),
      // without error
      exact_flow_sampler(),
      exact_sampler(),
  };
  return all;
}

Sampler inverse_of(Sampler sampler) {
  std::swap(sampler.run_float, sampler.invert_float);
  std::swap(sampler.run_double, sampler.invert_double);
  return sampler;
}

template <class T>
void SamplerRun<T>::epsilon(double s, std::span<const T> x, std::span<T> e) const {
  denoiser(s, x, e);
  combine(e, {{1 / s, x}, {-1 / s, e}});
}

template struct SamplerRun<float>;
template struct SamplerRun<double>;

}  // namespace noiseutils

#include "sample/sampler.hpp"

#include <utility>

#include "sample/vectors.hpp"

namespace noiseutils {

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> all = {
      // deterministic
      ddim_sampler(),
      bdia_sampler(),
      edict_sampler(),
      // stochastic
      ddpm_inversion_sampler(),
      ddcm_sampler(),
      // others
      iadb_sampler(),
      rddm_sampler(),
      interpolant_sampler(),
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

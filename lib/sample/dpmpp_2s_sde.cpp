#include <cmath>

#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"
#include "sample/sde_coefficients.hpp"

namespace noiseutils {
namespace {

/// DPM-Solver++ of order 2, single-step, for the SDE. Ancestral steps from a to m = sqrt(a b), to ask the denoiser
/// there, and from a to b by what it said:
///   u = (down_m / a) x + (1 - down_m / a) D(x; a) + up_m w(a, m)
///   x <- (down / a) x + (1 - down / a) D(u; m) + up w(a, b)
/// Both noises belong to one Brownian path in s, w(s, s') = (W(s) - W(s')) / sqrt(s - s'):
///   w(a, b) = (sqrt(a - m) w(a, m) + sqrt(m - b) w(m, b)) / sqrt(a - b)
/// With independent noises it would be of order 1.
template <class T>
void dpmpp_2s_sde(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta");
  std::vector<T> x0(x.size()), u(x.size()), first(x.size()), second(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1), m = std::sqrt(a * b);
    run.denoise(a, x, x0);
    if (b == 0) {
      combine(x, {{1, x0}});
    } else if (eta == 0) {
      combine<T>(u, {{1 - m / a, x0}, {m / a, x}});
      run.denoise(m, u, x0);
      combine(x, {{1 - b / a, x0}, {b / a, x}});
    } else {
      const NoiseSplit half = noise_split(a, m, eta), whole = noise_split(a, b, eta);
      run.normals(first);
      run.normals(second);
      combine<T>(u, {{1 - half.down / a, x0}, {half.down / a, x}, {half.up, first}});
      run.denoise(m, u, x0);
      combine(x, {{1 - whole.down / a, x0},
                  {whole.down / a, x},
                  {whole.up * std::sqrt((a - m) / (a - b)), first},
                  {whole.up * std::sqrt((m - b) / (a - b)), second}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_2s_sde_sampler() {
  Sampler self;
  self.name = "dpmpp-2s-sde";
  self.summary = "DPM-Solver++ 2S for the SDE, two ancestral steps along one Brownian path";
  self.order = 2;
  self.calls_per_step = 2;
  self.stochastic = true;
  self.source = "DPM++ SDE of k-diffusion (Crowson), after Lu, Zhou, Bao, Chen, Li, Zhu 2022";
  self.options = {sde_eta_option()};
  self.run_float = dpmpp_2s_sde<float>;
  self.run_double = dpmpp_2s_sde<double>;
  return self;
}

}  // namespace noiseutils

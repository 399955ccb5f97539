#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"
#include "sample/sde_coefficients.hpp"

namespace noiseutils {
namespace {

/// SDE-DPM-Solver++ of order 2, multistep: the slope of D is that since the step before, r = h_before / h,
///   x <- e^-k x + (1 - e^-k) D + c (D - D_before) / r + b sqrt(1 - e^(-2 eta h)) z,   k = (1 + eta) h
///   c = (1 - e^-k) / 2 (midpoint),  1 - (1 - e^-k) / k (heun)
/// The first step knows no slope. Where b = 0: x = D.
template <class T>
void dpmpp_2m_sde(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta");
  const bool midpoint = run.options.text("solver-type") == "midpoint";
  std::vector<T> now(x.size()), before(x.size()), z(x.size());
  double h_before = 0;
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1);
    run.denoise(a, x, now);
    if (b == 0) {
      combine(x, {{1, now}});
    } else {
      const SdeCoefficients c = sde_coefficients(a, b, eta);
      const double slope = i == 0 ? 0 : (midpoint ? c.gain / 2 : c.phi2) * c.h / h_before;
      if (c.noise > 0) run.normals(z);
      combine(x, {{c.decay, x}, {c.gain + slope, now}, {-slope, before}, {c.noise, z}});
      h_before = c.h;
    }
    now.swap(before);
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_2m_sde_sampler() {
  Sampler self;
  self.name = "dpmpp-2m-sde";
  self.summary = "SDE-DPM-Solver++ of order 2, multistep";
  self.order = 2;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Lu, Zhou, Bao, Chen, Li, Zhu 2022, DPM-Solver++, equation 19; heun: diffusers";
  self.options = {sde_eta_option(),
                  choice("solver-type", {"midpoint", "heun"}, "how the slope of D enters").otherwise("midpoint")};
  self.run_float = dpmpp_2m_sde<float>;
  self.run_double = dpmpp_2m_sde<double>;
  return self;
}

}  // namespace noiseutils

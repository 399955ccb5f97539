#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"
#include "sample/sde_coefficients.hpp"

namespace noiseutils {
namespace {

/// SDE-DPM-Solver++ of order 1, D constant over the step:
///   x <- e^(-(1 + eta) h) x + (1 - e^(-(1 + eta) h)) D + b sqrt(1 - e^(-2 eta h)) z,   h = log(a / b)
template <class T>
void dpmpp_sde_1(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta");
  take_steps(run, x, [&](std::int64_t i) {
    const double a = run.s(i), b = run.s(i + 1);
    if (b == 0) return ReverseStep{};
    const SdeCoefficients c = sde_coefficients(a, b, eta);
    return ReverseStep{c.decay, c.gain, c.noise};
  });
}

}  // namespace

Sampler dpmpp_sde_1_sampler() {
  Sampler self;
  self.name = "dpmpp-sde-1";
  self.summary = "SDE-DPM-Solver++ of order 1";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Lu, Zhou, Bao, Chen, Li, Zhu 2022, DPM-Solver++, equation 18";
  self.options = {sde_eta_option()};
  self.run_float = dpmpp_sde_1<float>;
  self.run_double = dpmpp_sde_1<double>;
  return self;
}

}  // namespace noiseutils

#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// DPM-Solver++(2M), multistep. With h = log(a / b), the last h_prev, r = h_prev / h, and D_prev of the step before:
///   midpoint:  x <- (b/a) x - (e^(-h) - 1) (D + (D - D_prev) / (2r))
///   heun:      x <- (b/a) x - (e^(-h) - 1) D + ((e^(-h) - 1)/h + 1) (D - D_prev) / r
/// where ((e^(-h) - 1)/h + 1) = h phi_2(-h). The first step has no D_prev: x <- (b/a) x - (e^(-h) - 1) D.
/// The last one, to b = 0, is x <- D.
template <class T>
void dpmpp_2m(const SamplerRun<T>& run, std::span<T> x) {
  const bool heun = run.options.text("solver-type") == "heun";
  History<T> D(2, x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b);
    run.denoise(a, x, D.next());
    if (!step_by_flow(run, i, 2, x)) {
      double c = 0;  // of D - D_prev
      if (i > 0) {
        const double r = std::log(run.s(i - 1) / a) / h;
        c = heun ? h * phi(2, -h) / r : -std::expm1(-h) / (2 * r);
      }
      combine<T>(x, {{b / a, x}, {-std::expm1(-h) + c, D[0]}, {-c, D[1]}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_2m_sampler() {
  Sampler self;
  self.name = "dpmpp-2m";
  self.summary = "multistep DPM-Solver++ of order 2";
  self.order = 2;
  self.calls_per_step = 1;
  self.minimum_steps = 2;
  self.source = "Lu, Zhou, Bao, Chen, Li, Zhu 2022 (DPM-Solver++), algorithm 2";
  self.options = {
      choice("solver-type", {"midpoint", "heun"}, "how DPM-Solver++(2M) extrapolates").otherwise("midpoint")};
  self.run_float = dpmpp_2m<float>;
  self.run_double = dpmpp_2m<double>;
  return self;
}

}  // namespace noiseutils

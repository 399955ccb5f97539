#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// DPM-Solver++(3M). With h = log(a / b), h_1 and h_2 those of the steps before, r_0 = h_1/h, r_1 = h_2/h:
///   D10 = (D_0 - D_-1) / r_0,   D11 = (D_-1 - D_-2) / r_1
///   D1 = D10 + r_0/(r_0 + r_1) (D10 - D11),   D2 = 2 (D10 - D11) / (r_0 + r_1)
///   x <- (b/a) x - (e^(-h) - 1) D_0 + ((e^(-h) - 1)/h + 1) D1 - ((e^(-h) - 1 + h)/h^2 - 1/2) D2
/// where the brackets are h phi_2(-h) and -h phi_3(-h). The 2 in D2 makes it the second derivative by lambda; it is
/// missing in the code of the authors and all that follow it, which is of order 2 therefore; --compat leaves it out.
/// Start: first order, then second (D1 = D10, D2 = 0). The last step, to b = 0, is x <- D_0.
template <class T>
void dpmpp_3m(const SamplerRun<T>& run, std::span<T> x) {
  const double factor = run.options.flag("compat") ? 1 : 2;
  History<T> D(3, x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b);
    run.denoise(a, x, D.next());
    if (!step_by_flow(run, i, 3, x)) {
      double on_D10 = 0, on_D11 = 0, r0 = 1, r1 = 1;  // x += on_D10 D10 + on_D11 D11 beside the first-order step
      if (i >= 1) {
        r0 = std::log(run.s(i - 1) / a) / h;
        on_D10 = h * phi(2, -h);
      }
      if (i >= 2) {
        r1 = std::log(run.s(i - 2) / run.s(i - 1)) / h;
        const double c = (r0 * h * phi(2, -h) + factor * h * phi(3, -h)) / (r0 + r1);
        on_D10 += c;
        on_D11 = -c;
      }
      combine<T>(
          x,
          {{b / a, x}, {-std::expm1(-h) + on_D10 / r0, D[0]}, {on_D11 / r1 - on_D10 / r0, D[1]}, {-on_D11 / r1, D[2]}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_3m_sampler() {
  Sampler self;
  self.name = "dpmpp-3m";
  self.summary = "multistep DPM-Solver++ of order 3";
  self.order = 3;
  self.calls_per_step = 1;
  self.minimum_steps = 3;
  self.source = "Lu, Zhou, Bao, Chen, Li, Zhu 2022 (DPM-Solver++), with D2 as a second derivative";
  self.options = {flag("compat", "DPM-Solver++(3M) as public code has it: D2 without the factor 2, order 2")};
  self.run_float = dpmpp_3m<float>;
  self.run_double = dpmpp_3m<double>;
  return self;
}

}  // namespace noiseutils

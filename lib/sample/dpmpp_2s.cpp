#include <cmath>

#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// DPM-Solver++(2S), single-step, on the clean sample D rather than on the noise. With h = log(a / b), r = 1/2 and
/// m = a e^(-r h):
///   u = (m/a) x - (e^(-r h) - 1) D(x; a)
///   x <- (b/a) x - (e^(-h) - 1) ((1 - 1/(2r)) D(x; a) + 1/(2r) D(u; m))
/// The last step, to b = 0, is x <- D(x; a).
template <class T>
void dpmpp_2s(const SamplerRun<T>& run, std::span<T> x) {
  constexpr double r = 0.5;
  std::vector<T> u(x.size()), D(x.size()), D_u(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b), m = a * std::exp(-r * h);
    run.denoise(a, x, D);
    combine<T>(u, {{m / a, x}, {-std::expm1(-r * h), D}});
    run.denoise(m, u, D_u);
    const double whole = -std::expm1(-h);
    combine(x, {{b / a, x}, {whole * (1 - 1 / (2 * r)), D}, {whole / (2 * r), D_u}});
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_2s_sampler() {
  Sampler self;
  self.name = "dpmpp-2s";
  self.summary = "single-step DPM-Solver++ of order 2";
  self.order = 2;
  self.calls_per_step = 2;
  self.source = "Lu, Zhou, Bao, Chen, Li, Zhu 2022 (DPM-Solver++), algorithm 1";
  self.run_float = dpmpp_2s<float>;
  self.run_double = dpmpp_2s<double>;
  return self;
}

}  // namespace noiseutils

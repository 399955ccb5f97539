#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// DPM-Solver-1. With lambda = -log s and h = lambda(b) - lambda(a) = log(a / b):
///   x <- x - b (e^h - 1) e(x, a)
template <class T>
void dpm_solver_1(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> e(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b);
    run.epsilon(a, x, e);
    combine(x, {{1, x}, {-b * std::expm1(h), e}});
    run.observe(i + 1, x);
  }
}

/// DPM-Solver-2 with r = 1/2, m = a e^(-r h):
///   u = x - m (e^(r h) - 1) e(x, a)
///   x <- x - b (e^h - 1) e(x, a) - b/(2r) (e^h - 1) (e(u, m) - e(x, a))
template <class T>
void dpm_solver_2(const SamplerRun<T>& run, std::span<T> x) {
  constexpr double r = 0.5;
  std::vector<T> u(x.size()), e(x.size()), e_u(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b), m = a * std::exp(-r * h);
    run.epsilon(a, x, e);
    combine<T>(u, {{1, x}, {-m * std::expm1(r * h), e}});
    run.epsilon(m, u, e_u);
    const double whole = -b * std::expm1(h), part = whole / (2 * r);
    combine(x, {{1, x}, {whole - part, e}, {part, e_u}});
    run.observe(i + 1, x);
  }
}

/// DPM-Solver-3 with r1 = 1/3, r2 = 2/3, m1 = a e^(-r1 h), m2 = a e^(-r2 h), and (e^z - 1)/z - 1 = z phi_2(z):
///   u1 = x - m1 (e^(r1 h) - 1) e(x, a),                            d1 = e(u1, m1) - e(x, a)
///   u2 = x - m2 (e^(r2 h) - 1) e(x, a) - m2 r2/r1 (r2 h phi_2(r2 h)) d1,   d2 = e(u2, m2) - e(x, a)
///   x <- x - b (e^h - 1) e(x, a) - b/r2 (h phi_2(h)) d2
template <class T>
void dpm_solver_3(const SamplerRun<T>& run, std::span<T> x) {
  constexpr double r1 = 1.0 / 3, r2 = 2.0 / 3;
  std::vector<T> u(x.size()), e(x.size()), e_u(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b);
    const double m1 = a * std::exp(-r1 * h), m2 = a * std::exp(-r2 * h);
    run.epsilon(a, x, e);
    combine<T>(u, {{1, x}, {-m1 * std::expm1(r1 * h), e}});
    run.epsilon(m1, u, e_u);
    const double c1 = -m2 * (r2 / r1) * (r2 * h) * phi(2, r2 * h);
    combine<T>(u, {{1, x}, {-m2 * std::expm1(r2 * h) - c1, e}, {c1, e_u}});
    run.epsilon(m2, u, e_u);
    const double c2 = -b / r2 * h * phi(2, h);
    combine(x, {{1, x}, {-b * std::expm1(h) - c2, e}, {c2, e_u}});
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpm_solver_sampler(int order) {
  Sampler self;
  self.name = "dpm-solver-" + std::to_string(order);
  self.summary = "single-step DPM-Solver of order " + std::to_string(order);
  self.order = order;
  self.calls_per_step = order;
  self.source = order == 3   ? "Lu, Zhou, Bao, Chen, Li, Zhu 2022, DPM-Solver-3"
                : order == 2 ? "Lu, Zhou, Bao, Chen, Li, Zhu 2022, DPM-Solver-2"
                             : "Lu, Zhou, Bao, Chen, Li, Zhu 2022, equation of DPM-Solver-1, which is DDIM";
  self.run_float = order == 3 ? dpm_solver_3<float> : order == 2 ? dpm_solver_2<float> : dpm_solver_1<float>;
  self.run_double = order == 3 ? dpm_solver_3<double> : order == 2 ? dpm_solver_2<double> : dpm_solver_1<double>;
  return self;
}

}  // namespace noiseutils

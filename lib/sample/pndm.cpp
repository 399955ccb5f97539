#include <array>
#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// The level midway in time between s_i and s_(i+1), i <= 2, of levels that are equally spaced in some time: where the
/// cubic through log s_0 ... log s_3, as a function of the index, is at i + 1/2. Levels do not tell their time; this is
/// it to fourth order, and exactly the geometric mean of levels that are equally spaced in log s.
template <class T>
double middle(const SamplerRun<T>& run, std::int64_t i) {
  const double a = run.s(i), b = run.s(i + 1);
  if (run.steps() < 4) return std::sqrt(a * b);
  constexpr std::array<std::array<double, 4>, 3> kCubic{{{5, 15, -5, 1}, {-1, 9, 9, -1}, {1, -5, 15, 5}}};  // / 16
  double log_s = 0;
  for (std::size_t j = 0; j < 4; ++j)
    log_s += kCubic[static_cast<std::size_t>(i)][j] / 16 * std::log(run.s(static_cast<std::int64_t>(j)));
  const double m = std::exp(log_s);
  return b < m && m < a ? m : std::sqrt(a * b);
}

/// F-PNDM. With m midway in time between a = s_i and b = s_{i+1}, steps 0 to 2 are pseudo Runge-Kutta:
///   e1 = e(x, a), e2 = e(x + (m - a) e1, m), e3 = e(x + (m - a) e2, m), e4 = e(x + (b - a) e3, b)
///   x <- x + (b - a) (e1 + 2 e2 + 2 e3 + e4) / 6
/// then pseudo linear multistep, x <- x + (b - a) (55 e_i - 59 e_(i-1) + 37 e_(i-2) - 9 e_(i-3)) / 24, with the e1 of
/// each step. The coefficients are those of equal steps in s; on other levels the order is 2.
template <class T>
void pndm(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> y(x.size()), e2(x.size()), e3(x.size()), e4(x.size());
  const auto runge_kutta = [&](std::int64_t i, const History<T>& e, std::span<T> state) {
    if (i > 2) return false;
    const double a = run.s(i), b = run.s(i + 1), m = middle(run, i);
    const std::vector<T>& e1 = e[0];
    combine<T>(y, {{1, state}, {m - a, e1}});
    run.epsilon(m, y, e2);
    combine<T>(y, {{1, state}, {m - a, e2}});
    run.epsilon(m, y, e3);
    combine<T>(y, {{1, state}, {b - a, e3}});
    run.epsilon(b, y, e4);
    const double sixth = (b - a) / 6;
    combine<T>(state, {{1, state}, {sixth, e1}, {2 * sixth, e2}, {2 * sixth, e3}, {sixth, e4}});
    return true;
  };
  linear_multistep(
      run, x, 4, [](std::int64_t) { return adams_bashforth(4); }, runge_kutta);
}

/// Improved Euler, for the first step of the methods below, which have one e then:
///   x <- x + (b - a) (e(x, a) + e(x + (b - a) e(x, a), b)) / 2
template <class T>
auto improved_euler(const SamplerRun<T>& run) {
  return [&run](std::int64_t i, const History<T>& e, std::span<T> x) {
    if (i > 0) return false;
    const double a = run.s(i), b = run.s(i + 1);
    std::vector<T> y(x.size()), e2(x.size());
    combine<T>(y, {{1, x}, {b - a, e[0]}});
    run.epsilon(b, y, e2);
    combine<T>(x, {{1, x}, {(b - a) / 2, e[0]}, {(b - a) / 2, e2}});
    return true;
  };
}

/// S-PNDM: improved Euler, then x <- x + (b - a) (3 e_i - e_(i-1)) / 2.
template <class T>
void s_pndm(const SamplerRun<T>& run, std::span<T> x) {
  linear_multistep(
      run, x, 2, [](std::int64_t) { return adams_bashforth(2); }, improved_euler(run));
}

/// PLMS: improved Euler, then the coefficients of equal steps for two, three, and from then on four e.
template <class T>
void plms(const SamplerRun<T>& run, std::span<T> x) {
  const auto weights = [](std::int64_t i) {
    return adams_bashforth(static_cast<int>(std::min<std::int64_t>(i + 1, 4)));
  };
  linear_multistep(run, x, 4, weights, improved_euler(run));
}

}  // namespace

Sampler pndm_sampler() {
  Sampler self;
  self.name = "pndm";
  self.summary = "F-PNDM: pseudo Runge-Kutta for three steps, then pseudo linear multistep";
  self.order = 2;
  self.calls_per_step = 1;
  self.minimum_steps = 4;
  self.source = "Liu, Ren, Lin, Zhao 2022, algorithm 2";
  self.run_float = pndm<float>;
  self.run_double = pndm<double>;
  return self;
}

Sampler s_pndm_sampler() {
  Sampler self;
  self.name = "s-pndm";
  self.summary = "S-PNDM: improved Euler for one step, then linear multistep of two";
  self.order = 2;
  self.calls_per_step = 1;
  self.minimum_steps = 2;
  self.source = "Liu, Ren, Lin, Zhao 2022, the second-order variant";
  self.run_float = s_pndm<float>;
  self.run_double = s_pndm<double>;
  return self;
}

Sampler plms_sampler() {
  Sampler self;
  self.name = "plms";
  self.summary = "PNDM without Runge-Kutta steps, as latent diffusion uses it";
  self.order = 2;
  self.calls_per_step = 1;
  self.minimum_steps = 4;
  self.source = "Rombach et al. 2022, code; after Liu, Ren, Lin, Zhao 2022";
  self.run_float = plms<float>;
  self.run_double = plms<double>;
  return self;
}

}  // namespace noiseutils

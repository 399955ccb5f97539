#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// DEIS, the exponential integrator of Adams-Bashforth type: the polynomial through the last K values of the noise e is
/// integrated exactly along the semilinear flow,
///   x <- x + int_a^b sum_j L_j(s) e_(i-j) ds,   L_j(s) = prod_(m != j) (u(s) - u_(i-m)) / (u_(i-j) - u_(i-m))
/// with a polynomial in u = log s, or in u = s. (The paper's tAB is the first with the time t for u, which levels do
/// not tell; its rhoAB is the second, and lms.) In theta = log(s / a) / log(b / a), with h = log(a / b),
///   int_a^b theta^n ds / (b - a) = n! phi_(n+1)(h) / phi_1(h)
template <class T, int K>
void deis(const SamplerRun<T>& run, std::span<T> x) {
  const bool in_log = run.options.text("extrapolate-in") == "log-s";
  linear_multistep(run, x, K, [&](std::int64_t i) {
    const double a = run.s(i), b = run.s(i + 1), h = std::log(a / b);
    std::vector<double> nodes, moments;
    double factorial = 1;
    for (std::int64_t j = 0; j <= i && j < K; ++j) {
      const double s = run.s(i - j);
      const int n = static_cast<int>(j);
      nodes.push_back(in_log ? std::log(s / a) / -h : (s - a) / (b - a));
      moments.push_back(in_log ? factorial * phi(n + 1, h) / phi(1, h) : 1.0 / (n + 1));
      factorial *= n + 1;
    }
    return weights_of_moments(nodes, moments);
  });
}

template <class T>
SamplerFunction<T> deis_of(int k) {
  return k == 3 ? deis<T, 3> : k == 2 ? deis<T, 2> : deis<T, 1>;
}

}  // namespace

Sampler deis_sampler(int k) {
  Sampler self;
  self.name = "deis-" + std::to_string(k);
  self.summary =
      "exponential integrator (DEIS) with " + std::to_string(k) + (k == 1 ? " value" : " values") + " of the noise";
  self.order = k;
  self.calls_per_step = 1;
  self.minimum_steps = k;
  self.source = "Zhang, Chen 2023, Adams-Bashforth DEIS";
  self.options = {
      choice("extrapolate-in", {"log-s", "s"}, "what the polynomial of DEIS is a function of").otherwise("log-s")};
  self.run_float = deis_of<float>(k);
  self.run_double = deis_of<double>(k);
  return self;
}

}  // namespace noiseutils

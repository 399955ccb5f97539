#include <algorithm>
#include <cmath>
#include <numbers>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Stochastic sampler of EDM. From s = a noise is added first, up to a' = (1 + gamma) a, then Heun's method leads to b:
///   gamma = min(S_churn / N, sqrt(2) - 1)  where S_min <= a <= S_max, else 0
///   x' = x + S_noise sqrt(a'^2 - a^2) z,   d = (x' - D(x'; a')) / a',   y = x' + (b - a') d
///   x = x' + (b - a') (d + (y - D(y; b)) / b) / 2;   x = D(x'; a') where b = 0
/// gamma is cut at sqrt(2) - 1 while N < S_churn / 0.414: up to there more steps are not more exact.
template <class T>
void edm_churn(const SamplerRun<T>& run, std::span<T> x) {
  const double gamma_inside =
      std::min(run.options.number("churn") / static_cast<double>(run.steps()), std::numbers::sqrt2 - 1);
  const double low = run.options.number("churn-min"), high = run.options.number("churn-max");
  std::vector<T> x0(x.size()), y(x.size()), y0(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double b = run.s(i + 1);
    double a = run.s(i);
    if (const double gamma = low <= a && a <= high ? gamma_inside : 0; gamma > 0) {
      run.normals(y);
      combine(x, {{1, x}, {run.options.number("churn-noise") * a * std::sqrt(gamma * (2 + gamma)), y}});
      a *= 1 + gamma;
    }
    run.denoise(a, x, x0);
    combine<T>(y, {{1 - b / a, x0}, {b / a, x}});
    if (b > 0) {
      run.denoise(b, y, y0);
      const double half_a = (b - a) / (2 * a), half_b = (b - a) / (2 * b);
      combine(x, {{1 + half_a, x}, {-half_a, x0}, {half_b, y}, {-half_b, y0}});
    } else {
      combine(x, {{1, y}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler edm_churn_sampler() {
  Sampler self;
  self.name = "edm-churn";
  self.summary = "stochastic sampler of EDM: noise is added before each of Heun's steps";
  self.order = 2;
  self.calls_per_step = 2;
  self.stochastic = true;
  self.source = "Karras, Aittala, Aila, Laine 2022, algorithm 2";
  self.options = {
      number("churn", "S", "noise added on the way, shared among the steps; 0: none")
          .otherwise("40")
          .at_least(0)
          .at_most(1e9),
      number("churn-min", "S", "no noise is added below this sigma, in units of data").otherwise("0.05").at_least(0),
      number("churn-max", "S", "no noise is added above this sigma, in units of data").otherwise("50").at_least(0),
      number("churn-noise", "F", "standard deviation of the noise added, as a multiple")
          .otherwise("1")
          .at_least(0)
          .at_most(10),
  };
  self.run_float = edm_churn<float>;
  self.run_double = edm_churn<double>;
  return self;
}

}  // namespace noiseutils

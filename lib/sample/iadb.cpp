#include <algorithm>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Iterative alpha-(de)blending: with x_alpha = (1 - alpha) x_0 + alpha x_1, x_0 noise and x_1 data (the paper's
/// letters), and their posterior means given x_alpha,
///   x_alpha' = x_alpha + (alpha' - alpha) (E[x_1] - E[x_0]).
/// A level s of the schedule is the blend alpha = 1 / (1 + s), x_alpha = alpha x; E[x_1] = D(x; s) and
/// E[x_0] = (x - D(x; s)) / s. It is DDIM in other letters, at whatever levels.
/// Source: Heitz, Belcour, Chambon 2023, algorithm 3.
template <class T>
void iadb(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> x1(x.size()), x0(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double s = run.s(i), b = run.s(i + 1);
    const double alpha = 1 / (1 + s), next = 1 / (1 + b);
    run.denoise(s, x, x1);
    if (b > 0) {
      combine<T>(x0, {{1 / s, x}, {-1 / s, x1}});
      combine(x, {{alpha / next, x}, {(next - alpha) / next, x1}, {(alpha - next) / next, x0}});
    } else {
      std::copy(x1.begin(), x1.end(), x.begin());  // what the last step comes to, free of rounding
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler iadb_sampler() {
  Sampler self;
  self.name = "iadb";
  self.summary = "iterative alpha-deblending: DDIM as the deblending of data and noise";
  self.order = 1;
  self.calls_per_step = 1;
  self.source = "Heitz, Belcour, Chambon 2023, algorithm 3";
  self.run_float = iadb<float>;
  self.run_double = iadb<double>;
  return self;
}

}  // namespace noiseutils

#include <cmath>

#include "sample/chains.hpp"
#include "sample/vectors.hpp"
#include "sample/walk.hpp"

namespace noiseutils {
namespace {

/// The noise left after each measurement: s_0 / sqrt(m) for m = 1 ... --measurements, or the schedule's own levels.
template <class T>
std::vector<double> noise_after(const SamplerRun<T>& run) {
  std::vector<double> levels;
  const std::int64_t measurements = run.options.integer("measurements");
  for (std::int64_t m = 1; m <= measurements; ++m) levels.push_back(run.s(0) / std::sqrt(static_cast<double>(m)));
  for (std::int64_t i = 0; levels.size() < 1 || (measurements == 0 && i <= last_noisy_level(run.schedule)); ++i)
    levels.push_back(run.s(i));
  return levels;
}

/// Once at a time: a chain of noisy measurements y_m = x + sigma_m w_m of one x, each drawn given those before it, and
/// D of their mean. What the first m say of x is their mean, weighted by 1 / sigma_m^2, with noise s_m:
///   1 / s_m^2 = sum_(j <= m) 1 / sigma_j^2,   ybar_m = s_m^2 (ybar_(m-1) / s_(m-1)^2 + y_m / sigma_m^2),
///   grad_y log p(y_m | y_1 ... y_(m-1)) = (D(ybar_m; s_m) - y_m) / sigma_m^2,
/// for an underdamped walk of y_m from D(ybar_(m-1); s_(m-1)) + sigma_m z. Each of these laws is log-concave where
/// sigma_m is at least the radius of a ball that holds the data. With equal sigma_m, s_m = sigma / sqrt(m).
/// Of a Gaussian mode Var ybar_M = lambda + s_M^2, Var x = lambda^2 / (lambda + s_M^2).
/// Source: Saremi, Park, Bach 2023; unequal measurements are ours.
template <class T>
void log_concave_chain(const SamplerRun<T>& run, std::span<T> x) {
  const std::vector<double> s = noise_after(run);
  const std::int64_t steps = run.options.integer("walk-steps");
  UnderdampedWalk<T> walk(run, x.size());
  std::vector<T> mean(x.size()), y(x.begin(), x.end()), x0(x.size());
  double before = 0;  // 1 / s_(m-1)^2, the precision of ybar
  for (std::size_t m = 0; m < s.size(); ++m) {
    const double precision = 1 / (s[m] * s[m]) - before, sigma = 1 / std::sqrt(precision);
    const double kept = before * s[m] * s[m];  // s_m^2 / s_(m-1)^2
    if (m > 0) {
      run.denoise(s[m - 1], x, x0);
      run.normals(y);
      combine<T>(y, {{1, x0}, {sigma, y}});
    }
    walk.start(sigma);
    for (std::int64_t n = 0; n < steps; ++n)
      walk.step(y, [&](std::span<const T> at, std::span<T> g) {
        combine<T>(mean, {{kept, x}, {1 - kept, at}});
        run.denoise(s[m], mean, g);
        combine(g, {{precision, g}, {-precision, at}});
      });
    combine(x, {{kept, x}, {1 - kept, y}});
    before = 1 / (s[m] * s[m]);
    if (run.options.integer("measurements") == 0 && m > 0) run.observe(static_cast<std::int64_t>(m), x);
  }
  if (run.options.flag("keep-noise") || run.s(run.steps()) > 0) return;
  run.denoise(s.back(), x, x0);
  combine(x, {{1, x0}});
  if (run.options.integer("measurements") == 0) run.observe(run.steps(), x);
}

}  // namespace

Sampler log_concave_chain_sampler() {
  Sampler self;
  self.name = "log-concave-chain";
  self.summary = "measurements of one sample drawn one after the other, each from a log-concave law";
  self.calls_per_step = 21;
  self.stochastic = true;
  self.source = "Saremi, Park, Bach 2023";
  self.options = {
      integer("measurements", "M", "instead of the levels of the schedule s_0 / sqrt(m), m = 1 to M; 0: the schedule")
          .otherwise("0")
          .at_least(0)
          .at_most(1e6),
      integer("walk-steps", "N", "steps of the walk of each measurement").otherwise("20").at_least(1).at_most(1e9),
  };
  for (const OptionSpec& option : walk_options()) self.options.push_back(option);
  self.options.push_back(keep_noise_option());
  self.run_float = log_concave_chain<float>;
  self.run_double = log_concave_chain<double>;
  return self;
}

}  // namespace noiseutils

#include <algorithm>
#include <cmath>

#include "sample/chain_diagnostics.hpp"
#include "sample/chains.hpp"
#include "sample/langevin_gibbs.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/target.hpp"
#include "sample/vector_groups.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Heun's method down the levels of the schedule to number `last`, each vector from its own level s_v; where b = 0 the
/// estimate D(x; a). `calls` counts those of each vector.
template <class T>
void solve_from(const SamplerRun<T>& run, const Model& model, std::span<const double> s, std::int64_t last,
                std::span<T> x, std::span<double> calls) {
  std::vector<T> x0(x.size()), y(x.size()), y0(x.size());
  std::vector<double> from(s.size()), to(s.size());
  const auto d = static_cast<std::size_t>(run.dim);
  for (std::int64_t i = 0; i < last; ++i) {
    const double b = run.s(i + 1);
    std::vector<std::int64_t> active;
    for (std::size_t v = 0; v < s.size(); ++v) {
      from[v] = std::min(run.s(i), s[v]);
      to[v] = b;
      if (from[v] > b) active.push_back(static_cast<std::int64_t>(v));
    }
    denoise_each<T>(model, from, active, x, x0);
    const auto of = [&](std::vector<T>& batch, std::int64_t v) {
      return std::span<T>(batch).subspan(static_cast<std::size_t>(v) * d, d);
    };
    for (const std::int64_t v : active) {
      const double ratio = b / from[static_cast<std::size_t>(v)];
      const std::span<T> own = x.subspan(static_cast<std::size_t>(v) * d, d);
      combine(of(y, v), {{1 - ratio, of(x0, v)}, {ratio, own}});
      calls[static_cast<std::size_t>(v)] += b > 0 ? 2 : 1;
      if (!(b > 0)) combine(own, {{1, of(y, v)}});
    }
    if (!(b > 0)) continue;
    denoise_each<T>(model, to, active, y, y0);
    for (const std::int64_t v : active) {
      const double a = from[static_cast<std::size_t>(v)], half = (b - a) / 2;
      const std::span<T> own = x.subspan(static_cast<std::size_t>(v) * d, d);
      combine(own, {{1 + half / a, own}, {-half / a, of(x0, v)}, {half / b, of(y, v)}, {-half / b, of(y0, v)}});
    }
  }
}

/// Denoising MCMC: down the schedule to its last level above 0 by Heun's method; from there denoising Langevin Gibbs
/// steps, in which the noise level wanders with the state; and from the state of the smallest noise among the counted
/// ones down again by Heun's method and one last estimate. Source: Kim, Ye 2022.
template <class T>
void dmcmc(const SamplerRun<T>& run, std::span<T> x) {
  const Model& model = model_of(run.target, "dmcmc");
  const std::int64_t burn_in = run.options.integer("burn-in"), counted = run.options.integer("chain-steps"),
                     last = last_noisy_level(run.schedule), count = run.count(x);
  const auto n = static_cast<std::size_t>(count), d = static_cast<std::size_t>(run.dim);
  std::vector<double> calls(n), start(n, run.s(0));
  solve_from<T>(run, model, start, last, x, calls);

  LangevinGibbs<T> chain(run, model, run.s(0), run.s(last), x);
  std::vector<T> kept(x.begin(), x.end());
  std::vector<double> smallest(n, run.s(last));
  std::vector<ChainTraces> traces(n, ChainTraces(1));
  std::vector<double> accepted(n);
  for (std::int64_t step = 0; step < burn_in + counted; ++step) {
    chain.step(x);
    if (step < burn_in) continue;
    parallel_vectors(count, run.dim, [&](std::int64_t vector) {
      const auto v = static_cast<std::size_t>(vector);
      const double s = chain.sigma(vector);
      traces[v][0].push_back(std::log(s));
      if (chain.accepted(vector)) accepted[v] += 1;
      if (step > burn_in && s >= smallest[v]) return;
      smallest[v] = s;
      std::copy_n(x.begin() + vector * run.dim, d, kept.begin() + vector * run.dim);
    });
  }
  std::copy(kept.begin(), kept.end(), x.begin());
  solve_from<T>(run, model, smallest, run.steps(), x, calls);

  for (std::int64_t vector = 0; vector < count; ++vector) {
    const auto v = static_cast<std::size_t>(vector);
    run.tell(vector, "nfe", calls[v] + static_cast<double>((burn_in + counted) * chain.calls_per_step()));
    run.tell(vector, "kept-sigma", smallest[v]);
    if (counted > 0) run.tell(vector, "acceptance", accepted[v] / static_cast<double>(counted));
    if (counted < 4) continue;
    const double rhat = split_rhat(traces[v]);
    if (std::isfinite(rhat)) run.tell(vector, "rhat", rhat);
    run.tell(vector, "ess", effective_sample_size(traces[v]));
  }
}

}  // namespace

Sampler dmcmc_sampler() {
  Sampler self;
  self.name = "dmcmc";
  self.summary = "denoising MCMC: a chain of state and noise level, and a solver from its cleanest state";
  self.calls_per_step = 2;
  self.stochastic = true;
  self.affine = false;
  self.source = "Kim, Ye 2022";
  self.options = {
      integer("burn-in", "N", "steps of the chain before those that are counted")
          .otherwise("20")
          .at_least(0)
          .at_most(1e9),
      integer("chain-steps", "N", "further steps, of whose states the one of the smallest noise is kept")
          .otherwise("100")
          .at_least(1)
          .at_most(1e6),
      step_size_option(2),
      choice("langevin", {"mala", "ula"}, "step of the state: with the Metropolis test, or without as in the paper")
          .otherwise("mala"),
      integer("levels", "L", "noise levels of the chain, equally spaced in log s over the schedule")
          .otherwise("500")
          .at_least(2)
          .at_most(1e5),
  };
  self.run_float = dmcmc<float>;
  self.run_double = dmcmc<double>;
  return self;
}

}  // namespace noiseutils

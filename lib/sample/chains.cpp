#include "sample/chains.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/chain_diagnostics.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kLongestTrace = 4096;  // states; bounds the memory of a batch
constexpr std::int64_t kShortestTrace = 4;

/// What is followed along the chains of one sample: each number's traces, one a chain.
struct FollowedSample {
  ChainTraces sum, square, log_density;
  std::int64_t accepted = 0;
};

template <class T>
class Followed {
 public:
  Followed(const SamplerRun<T>& run, std::int64_t count)
      : run_(run),
        chains_(static_cast<std::size_t>(run.options.integer("chains"))),
        steps_(run.options.integer("chain-steps")),
        samples_(run.fact ? static_cast<std::size_t>(count) : 0) {}

  /// After counted step n of chain k.
  void add(std::size_t k, std::int64_t n, const Chain<T>& chain, std::span<const T> x) {
    const std::int64_t thinning = (steps_ + kLongestTrace - 1) / kLongestTrace;
    const std::span<const double> log_densities = chain.log_densities();
    parallel_vectors(static_cast<std::int64_t>(samples_.size()), run_.dim, [&](std::int64_t v) {
      const auto at = static_cast<std::size_t>(v);
      FollowedSample& own = samples_[at];
      if (chain.accepted(v)) ++own.accepted;
      if (n % thinning != 0) return;
      double sum = 0, square = 0;
      for (const T value : x.subspan(at * static_cast<std::size_t>(run_.dim), static_cast<std::size_t>(run_.dim))) {
        sum += static_cast<double>(value);
        square += static_cast<double>(value) * static_cast<double>(value);
      }
      append(own.sum, k, sum);
      append(own.square, k, square);
      if (!log_densities.empty()) append(own.log_density, k, log_densities[at]);
    });
  }

  void tell(const Chain<T>& chain) const {
    if (steps_ == 0) return;
    for (std::size_t v = 0; v < samples_.size(); ++v) {
      const FollowedSample& own = samples_[v];
      const auto who = static_cast<std::int64_t>(v);
      if (chain.accepts_and_rejects())
        run_.tell(who, "acceptance",
                  static_cast<double>(own.accepted) / (static_cast<double>(chains_) * static_cast<double>(steps_)));
      if (own.sum.front().size() < static_cast<std::size_t>(kShortestTrace)) continue;
      double rhat = 0, ess = INFINITY;
      for (const ChainTraces* traces : {&own.sum, &own.square, &own.log_density}) {
        if (traces->empty()) continue;
        rhat = std::max(rhat, split_rhat(*traces));
        ess = std::min(ess, effective_sample_size(*traces));
      }
      if (rhat > 0) run_.tell(who, "rhat", rhat);  // a chain that never moves has none
      run_.tell(who, "ess", ess);
    }
  }

 private:
  void append(ChainTraces& traces, std::size_t k, double value) const {
    traces.resize(chains_);
    traces[k].push_back(value);
  }

  const SamplerRun<T>& run_;
  std::size_t chains_;
  std::int64_t steps_;
  std::vector<FollowedSample> samples_;
};

/// From level i - 1 to level i by a step of DDIM.
template <class T>
void descend(const SamplerRun<T>& run, std::int64_t i, std::span<T> x) {
  const double ratio = run.s(i) / run.s(i - 1);
  std::vector<T> x0(x.size());
  run.denoise(run.s(i - 1), x, x0);
  combine(x, {{1 - ratio, x0}, {ratio, x}});
}

}  // namespace

std::vector<OptionSpec> chain_options() {
  return {
      integer("burn-in", "N", "steps of the chain at each level").otherwise("20").at_least(0).at_most(1e9),
      integer("chain-steps", "N", "further steps at the last level above 0, whose acceptance, rhat and ess are told")
          .otherwise("100")
          .at_least(0)
          .at_most(1e9),
      integer("chains", "K", "chains a sample, for rhat and ess; the sample is what the first comes to")
          .otherwise("1")
          .at_least(1)
          .at_most(1000),
  };
}

OptionSpec step_size_option(double highest) {
  return number("step-size", "R", "length of a Langevin step, epsilon / s^2")
      .otherwise("0.1")
      .above(0)
      .at_most(highest);
}

OptionSpec keep_noise_option() {
  return flag("keep-noise", "end with the noisy state of the last level, not with what the denoiser makes of it");
}

std::int64_t last_noisy_level(const Schedule& schedule) {
  std::int64_t last = schedule.steps();
  while (last > 0 && !(schedule.s(last) > 0)) --last;
  return last;
}

const Model& model_of(const Target* target, const char* sampler) {
  if (target == nullptr || target->model() == nullptr)
    throw UsageError("--sampler " + std::string(sampler) +
                     " needs log densities: those of a --model, without --guidance, not of a denoiser");
  return *target->model();
}

template <class T>
void run_chains(const SamplerRun<T>& run, Chain<T>& chain, std::span<T> x) {
  const std::int64_t chains = run.options.integer("chains"), burn_in = run.options.integer("burn-in"),
                     counted = run.options.integer("chain-steps"), last = last_noisy_level(run.schedule);
  const std::vector<T> start(x.begin(), x.end());
  std::vector<T> other(chains > 1 ? x.size() : 0);
  Followed<T> followed(run, run.count(x));
  for (std::int64_t k = 0; k < chains; ++k) {
    const std::span<T> state = k == 0 ? x : std::span<T>(other);
    if (k > 0) {
      run.normals(state);
      combine(state, {{1, start}, {run.s(0), state}});
    }
    for (std::int64_t i = 0; i <= last; ++i) {
      if (i > 0 && chain.descends()) descend(run, i, state);
      chain.enter(run.s(i), state);
      for (std::int64_t n = 0; n < burn_in; ++n) chain.step(state);
      for (std::int64_t n = 0; i == last && n < counted; ++n) {
        chain.step(state);
        followed.add(static_cast<std::size_t>(k), n, chain, state);
      }
      if (k == 0 && i > 0) run.observe(i, state);
    }
  }
  followed.tell(chain);
}

template <class T>
void jump(const SamplerRun<T>& run, std::span<T> x) {
  const std::int64_t last = last_noisy_level(run.schedule);
  if (last == run.steps()) return;
  if (!run.options.flag("keep-noise")) {
    const std::vector<T> y(x.begin(), x.end());
    run.denoise(run.s(last), y, x);
  }
  run.observe(run.steps(), x);
}

template void run_chains(const SamplerRun<float>&, Chain<float>&, std::span<float>);
template void run_chains(const SamplerRun<double>&, Chain<double>&, std::span<double>);
template void jump(const SamplerRun<float>&, std::span<float>);
template void jump(const SamplerRun<double>&, std::span<double>);

}  // namespace noiseutils

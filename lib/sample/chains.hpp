#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sample/sampler.hpp"

namespace noiseutils {

class Model;

/// A Markov chain in each vector of a batch, at one noise level after another.
template <class T>
class Chain {
 public:
  virtual ~Chain() = default;
  /// Goes on at noise level s from the states x.
  virtual void enter(double s, std::span<const T> x) = 0;
  /// x <- the next states
  virtual void step(std::span<T> x) = 0;
  /// Of chains that accept or reject: whether vector v took the last step.
  virtual bool accepts_and_rejects() const { return false; }
  virtual bool accepted(std::int64_t) const { return true; }
  /// Log density of each state, where the chain knows it.
  virtual std::span<const double> log_densities() const { return {}; }
};

/// --burn-in, --chain-steps, --chains
std::vector<OptionSpec> chain_options();
/// --step-size R, in units of s^2: epsilon = R s^2.
OptionSpec step_size_option(double highest);
/// --keep-noise
OptionSpec keep_noise_option();

/// Takes x through the levels s > 0 of the schedule, --burn-in steps of the chain at each and --chain-steps more at the
/// last. With --chains K the same is done from K - 1 other starts, x + s_0 z, wider than the law as R-hat wants them;
/// x is what the first chain comes to, whatever K. Tells of the counted steps, over all chains, `acceptance`, and the
/// largest `rhat` and the smallest `ess` of the traces of sum_e x_e, |x|^2 and, if the chain knows it, the log
/// density. Traces longer than 4096 states are thinned to at most as many.
template <class T>
void run_chains(const SamplerRun<T>& run, Chain<T>& chain, std::span<T> x);

/// The end of a schedule that ends at 0: x <- D(x; s) at the last s above 0, unless --keep-noise is given.
template <class T>
void jump(const SamplerRun<T>& run, std::span<T> x);

/// Number of the last level above 0.
std::int64_t last_noisy_level(const Schedule& schedule);

/// The law that is sampled from, for its densities. UsageError for a denoiser, which has none.
const Model& model_of(const Target* target, const char* sampler);

}  // namespace noiseutils

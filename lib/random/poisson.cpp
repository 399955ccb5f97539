#include <algorithm>

#include "base/error.hpp"
#include "random/math.hpp"
#include "random/pool.hpp"
#include "random/random.hpp"
#include "random/rejection.hpp"
#include "random/stream.hpp"

namespace noiseutils {
namespace {

/// The exact test of PTRS where poisson_verdict leaves it open: far from the mean, or no count at all.
bool accepted_far_from_mean(const PhiloxStream& stream, std::uint64_t block, double mean) {
  const auto words = block_words(stream, block);
  const PoissonTrial trial = poisson_trial(mean, words[0], words[1], words[2], words[3]);
  const double k = trial.count;
  return portable::log(trial.height) <= k * portable::log(mean) - mean - portable::log_factorial(k);
}

/// Sorts the elements by the method that draws them.
void split(std::uint64_t first, std::span<const double> means, Gathered& small, Gathered& large) {
  small.size = large.size = 0;
  const auto is_small = [](double mean) { return mean < kPtrsMean; };
  if (std::all_of(means.begin(), means.end(), is_small)) return small.assign(first, means);
  if (std::none_of(means.begin(), means.end(), is_small)) return large.assign(first, means);
  for (std::size_t i = 0; i < means.size(); ++i) (is_small(means[i]) ? small : large).add(i, first + i, means[i]);
}

}  // namespace

void fill_poisson(const StreamKey& key, std::uint64_t first, std::span<const double> mean, std::span<double> out) {
  const Kernels& kernels = active_kernels();
  const PhiloxStream stream = philox_stream(key);
  Gathered small, large;
  for (std::size_t done = 0; done < out.size(); done += kPool) {
    const auto means = mean.subspan(done, std::min(kPool, out.size() - done));
    split(first + done, means, small, large);
    kernels.poisson_inversion(stream, small.groups(), small.pool);
    for (std::size_t i = 0; i < small.size; ++i) out[done + small.place[i]] = small.pool.value[i];
    for (std::uint64_t trial = 0; large.size > 0; ++trial) {
      if (trial == kTrials) throw InternalError("a Poisson mean is out of range");
      const Pool& pool = large.pool;
      kernels.poisson_trials(stream, large.groups(), large.pool);
      large.settle(out.data() + done, kTrialStride, [&](std::size_t i) {
        if (pool.verdict[i] != kUndecided) return pool.verdict[i] == kRejected;
        return !accepted_far_from_mean(stream, pool.block[i], pool.parameter[i]);
      });
    }
  }
}

}  // namespace noiseutils

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "random/kernels.hpp"
#include "random/math.hpp"
#include "random/random.hpp"
#include "random/rejection.hpp"
#include "random/stream.hpp"

namespace noiseutils {
namespace {

/// Step 3 of PTRS where poisson_verdict leaves it open: far from the mean, or no count at all.
bool accepted_far_from_mean(const PhiloxStream& stream, std::uint64_t block, double mean) {
  const auto words = block_words(stream, block);
  const Ptrs ptrs = ptrs_constants(mean);
  const PoissonTrial trial = poisson_trial(mean, ptrs, words[0], words[1], words[2], words[3]);
  const double k = trial.count, log_height = portable::log(poisson_height(ptrs, trial));
  return log_height <= k * portable::log(mean) - mean - portable::log_factorial(k);
}

/// Some of the elements of a block of kPool, by their place in it.
struct Elements {
  PoissonPool pool;
  std::array<std::size_t, kPool> place;
  std::size_t size = 0;

  void add(std::size_t at, std::uint64_t block, double mean) {
    pool.block[size] = block;
    pool.mean[size] = mean;
    place[size++] = at;
  }
  /// The number of groups of 16; what the last lacks is filled up.
  std::size_t groups() {
    std::size_t padded = size;
    for (; padded % kLanes != 0; ++padded) {
      pool.block[padded] = 0;
      pool.mean[padded] = pool.mean[0];
    }
    return padded / kLanes;
  }
};

/// One trial for every element; those rejected stay, for the next trial.
void try_once(const Kernels& kernels, const PhiloxStream& stream, Elements& elements, double* out) {
  PoissonPool& pool = elements.pool;
  kernels.poisson_trials(stream, elements.groups(), pool);
  std::size_t left = 0;
  for (std::size_t i = 0; i < elements.size; ++i) {
    out[elements.place[i]] = pool.count[i];
    bool rejected = pool.verdict[i] != kAccepted;
    if (pool.verdict[i] == kUndecided) rejected = !accepted_far_from_mean(stream, pool.block[i], pool.mean[i]);
    elements.place[left] = elements.place[i];
    pool.mean[left] = pool.mean[i];
    pool.block[left] = pool.block[i] + kTrialStride;
    left += rejected;
  }
  elements.size = left;
}

}  // namespace

void fill_poisson(const StreamKey& key, std::uint64_t first, std::span<const double> mean, std::span<double> out) {
  const Kernels& kernels = active_kernels();
  const PhiloxStream stream = philox_stream(key);
  Elements small, large;
  for (std::size_t done = 0; done < out.size(); done += kPool) {
    const std::size_t count = std::min(kPool, out.size() - done);
    small.size = large.size = 0;
    for (std::size_t i = 0; i < count; ++i)
      (mean[done + i] < kPtrsMean ? small : large).add(i, first + done + i, mean[done + i]);
    kernels.poisson_inversion(stream, small.groups(), small.pool);
    for (std::size_t i = 0; i < small.size; ++i) out[done + small.place[i]] = small.pool.count[i];
    for (std::uint64_t trial = 0; large.size > 0; ++trial) {
      if (trial == kTrials) throw InternalError("a Poisson mean is out of range");
      try_once(kernels, stream, large, out.data() + done);
    }
  }
}

}  // namespace noiseutils

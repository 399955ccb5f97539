#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "random/kernels.hpp"
#include "random/math.hpp"
#include "random/random.hpp"
#include "random/rejection.hpp"
#include "random/stream.hpp"

namespace noiseutils {
namespace {

/// The exact test of Marsaglia and Tsang.
bool accepted(double d, const GammaTrial& trial) {
  if (!(trial.v > 0)) return false;
  return portable::log(trial.u) < 0.5 * trial.x * trial.x + d * (1 - trial.v + portable::log(trial.v));
}

/// Gamma(max(shape, shape + 1 if below 1)) of an element whose first trial is still to be tested exactly.
double settle(const PhiloxStream& stream, std::uint64_t element, double shape, double value, double x, double u) {
  const double d = gamma_d(shape);
  if (accepted(d, gamma_trial(d, x, u))) return value;
  for (std::uint64_t attempt = 1; attempt < kTrials; ++attempt) {
    const auto words = block_words(stream, element + attempt * kTrialStride);
    const GammaTrial trial = gamma_trial(d, words[0], words[1], words[2], words[3]);
    if (gamma_accepted_at_once(trial) || accepted(d, trial)) return d * trial.v;
  }
  throw InternalError("a gamma shape is out of range");
}

}  // namespace

void fill_gamma(const StreamKey& key, std::uint64_t first, std::span<const double> shape, std::span<double> out) {
  const Kernels& kernels = active_kernels();
  const PhiloxStream stream = philox_stream(key);
  GammaTile tile;
  for (std::size_t done = 0; done < out.size(); done += kRejectionTile) {
    const std::size_t count = std::min(kRejectionTile, out.size() - done);
    std::copy_n(shape.data() + done, count, tile.shape);
    std::fill(tile.shape + count, tile.shape + kRejectionTile, 1.0);
    kernels.gamma_tile(stream, first + done, tile);
    for (std::size_t i = 0; i < count; ++i) {
      const double value = tile.pending[i] == 0
                               ? tile.value[i]
                               : settle(stream, first + done + i, tile.shape[i], tile.value[i], tile.x[i], tile.u[i]);
      out[done + i] = value * tile.boost[i];
    }
  }
}

}  // namespace noiseutils

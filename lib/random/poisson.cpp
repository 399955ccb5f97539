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

/// log k! - (k + 1/2) log k + k - log(2 pi) / 2 for k >= 1.
double stirling_remainder_of_factorial(double k) {
  static constexpr double kSmall[] = {0,
                                      0.08106146679532726,
                                      0.0413406959554093,
                                      0.02767792568499834,
                                      0.020790672103765093,
                                      0.016644691189821193,
                                      0.013876128823070748,
                                      0.01189670994589177};
  return k < 8 ? kSmall[static_cast<int>(k)] : stirling_remainder(k);
}

/// k log(k / mean) - (k - mean) without cancellation: with s = (k - mean) / (k + mean),
/// (k - mean) ((1 + s) atanh(s) / s - 1).  Loader, "Fast and accurate computation of binomial probabilities", 2000, has
/// the idea.
double poisson_deviance(double k, double mean) {
  const double s = (k - mean) / (k + mean), z = s * s;
  if (std::fabs(s) > 1.0 / 3.0) return k * portable::log(k / mean) - (k - mean);
  return (k - mean) * (s + (1 + s) * (0.5 * z * atanh_tail(z)));
}

/// Step 3 of PTRS: log(v / alpha / (a / us^2 + b)) <= log p(count), p(k) = exp(-deviance - remainder) / sqrt(2 pi k).
bool accepted(double mean, const Ptrs& ptrs, const PoissonTrial& trial) {
  const double k = trial.count;
  if (!(k >= 0) || (trial.us < 0.013 && trial.v > trial.us)) return false;
  const double inverse_alpha = 1.1239 + 1.1328 / (ptrs.b - 3.4);
  const double height = trial.v * inverse_alpha / (ptrs.a / (trial.us * trial.us) + ptrs.b);
  if (k == 0) return portable::log(height) <= -mean;
  return portable::log(height * std::sqrt(kTwoPi * k)) <=
         -poisson_deviance(k, mean) - stirling_remainder_of_factorial(k);
}

/// The count of an element whose first trial is still to be tested exactly.
double settle(const PhiloxStream& stream, std::uint64_t element, double mean, PoissonTrial trial) {
  const Ptrs ptrs = ptrs_constants(mean);
  if (accepted(mean, ptrs, trial)) return trial.count;
  for (std::uint64_t attempt = 1; attempt < kTrials; ++attempt) {
    const auto words = block_words(stream, element + attempt * kTrialStride);
    trial = poisson_trial(mean, ptrs, words[0], words[1], words[2], words[3]);
    if (poisson_accepted_at_once(ptrs, trial) || accepted(mean, ptrs, trial)) return trial.count;
  }
  throw InternalError("a Poisson mean is out of range");
}

}  // namespace

void fill_poisson(const StreamKey& key, std::uint64_t first, std::span<const double> mean, std::span<double> out) {
  const Kernels& kernels = active_kernels();
  const PhiloxStream stream = philox_stream(key);
  PoissonTile tile;
  for (std::size_t done = 0; done < out.size(); done += kRejectionTile) {
    const std::size_t count = std::min(kRejectionTile, out.size() - done);
    std::copy_n(mean.data() + done, count, tile.mean);
    std::fill(tile.mean + count, tile.mean + kRejectionTile, 0.0);
    kernels.poisson_tile(stream, first + done, tile);
    for (std::size_t i = 0; i < count; ++i)
      out[done + i] = tile.pending[i] == 0
                          ? tile.count[i]
                          : settle(stream, first + done + i, tile.mean[i], {tile.count[i], tile.us[i], tile.v[i]});
  }
}

}  // namespace noiseutils

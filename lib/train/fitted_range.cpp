#include "train/fitted_range.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

OptionSpec valid_option() {
  return number_or_range("valid", "A:B",
                         "noise levels at which the denoiser may be used, in units of data; default: those of its "
                         "samples")
      .above(0)
      .at_most(1e30);
}

FittedRange::FittedRange(const OptionValues& given) {
  if (!given.has("valid")) return;
  const NumberRange range = given.range("valid");
  asked_ = SigmaRange{range.low, range.high};
}

void FittedRange::add(double variance) {
  if (!(variance > 0))
    throw DataError("is clean, and a denoiser is fitted to noisy samples: give these noise, or say --sigma");
  const double sigma = std::sqrt(variance);
  seen_ = {std::min(seen_.low, sigma), std::max(seen_.high, sigma)};
}

void FittedRange::merge(const FittedRange& other) {
  seen_ = {std::min(seen_.low, other.seen_.low), std::max(seen_.high, other.seen_.high)};
}

void FittedRange::save(Record& state) const { state.tensors["sigma"] = sigma_range_tensor(seen_); }

void FittedRange::load(const Record& state) { seen_ = require_sigma_range(state); }

SigmaRange FittedRange::finish() const { return asked_.value_or(seen_); }

}  // namespace noiseutils

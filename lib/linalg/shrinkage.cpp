#include "linalg/shrinkage.hpp"

#include <algorithm>

#include "linalg/marchenko_pastur.hpp"

namespace noiseutils {
namespace {

/// The sample with rounding put to 0, on the subspace where its law lives: of less than full rank, min(p, n), it is one
/// of fewer dimensions; of p > n, n is what its rank shows. No eigenvalues where nothing varies.
SampleSpectrum full_rank_part(const SampleSpectrum& sample) {
  SampleSpectrum part = sample;
  std::vector<double>& values = part.eigenvalues;
  const double least = values.empty() ? 0 : sample.resolution * values.front();
  const auto rank = std::count_if(values.begin(), values.end(), [=](double value) { return value > least; });
  const auto p = static_cast<std::int64_t>(values.size());
  if (rank < std::min(p, static_cast<std::int64_t>(sample.degrees))) {
    values.resize(static_cast<std::size_t>(rank));
    if (part.spikes) part.spikes = std::min(*part.spikes, rank);
  } else if (rank < p) {
    std::fill(values.begin() + rank, values.end(), 0.0);
    part.degrees = static_cast<double>(rank);
  }
  return part;
}

}  // namespace

const std::vector<Shrinker>& shrinkers() {
  static const std::vector<Shrinker> all = {
      no_shrinkage(),         ledoit_wolf_shrinkage(), oas_shrinkage(), quadratic_inverse_shrinkage(),
      analytical_shrinkage(), spiked_shrinkage(),
  };
  return all;
}

Shrinker no_shrinkage() {
  return {"none", "the sample's own eigenvalues", [](const SampleSpectrum& sample) { return sample.eigenvalues; }};
}

std::vector<double> shrunk(const Shrinker& shrinker, const SampleSpectrum& sample) {
  const SampleSpectrum part = full_rank_part(sample);
  if (part.eigenvalues.empty()) return sample.eigenvalues;
  std::vector<double> values = shrinker.shrink(part);
  values.resize(sample.eigenvalues.size(), 0.0);
  return values;
}

std::int64_t significant_rank(const SampleSpectrum& sample) {
  const SampleSpectrum part = full_rank_part(sample);
  return part.eigenvalues.empty() ? 0 : count_above_bulk(part.eigenvalues, part.degrees);
}

}  // namespace noiseutils

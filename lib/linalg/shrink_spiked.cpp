#include <algorithm>
#include <cmath>
#include <numeric>

#include "linalg/marchenko_pastur.hpp"
#include "linalg/shrinkage.hpp"

namespace noiseutils {
namespace {

constexpr int kRounds = 20;  // of bulk and spikes in turn: each round gains digits like p/n times spikes/p

/// The eigenvalue of the law that a sample eigenvalue lambda comes from, in units of the bulk's variance; 1 below the
/// edge.
double spike_of(double lambda, double gamma) {
  if (lambda <= marchenko_pastur_edge(gamma)) return 1;
  const double sum = lambda + 1 - gamma;
  return (sum + std::sqrt(sum * sum - 4 * lambda)) / 2;
}

/// The variance of the law along the eigenvector of that sample eigenvalue, 1 + c^2 (l - 1), c^2 the squared cosine
/// between the eigenvectors of sample and law: c^2 = (1 - gamma/(l-1)^2) / (1 + gamma/(l-1)).
double variance_along(double lambda, double gamma) {
  const double spike = spike_of(lambda, gamma);
  if (spike <= 1 + std::sqrt(gamma)) return 1;
  const double excess = spike - 1, cosine = (1 - gamma / (excess * excess)) / (1 + gamma / excess);
  return 1 + cosine * excess;
}

/// The law has few eigenvalues, spikes, above a white bulk. Spikes are shrunk to what is best in the Frobenius norm;
/// the others become one value that keeps the trace. The bulk's variance is what the spikes of the law leave of the
/// trace. Source: Donoho, Gavish, Johnstone, "Optimal shrinkage of eigenvalues in the spiked covariance model", 2018.
std::vector<double> spiked(const SampleSpectrum& sample) {
  const std::size_t p = sample.eigenvalues.size();
  const double gamma = static_cast<double>(p) / sample.degrees;
  const auto count =
      static_cast<std::size_t>(sample.spikes ? *sample.spikes : count_above_bulk(sample.eigenvalues, sample.degrees));
  const double trace = std::accumulate(sample.eigenvalues.begin(), sample.eigenvalues.end(), 0.0);
  if (count >= p) return sample.eigenvalues;  // no bulk to tell them from
  const auto others = [&](const std::vector<double>& spikes) {
    return (trace - std::accumulate(spikes.begin(), spikes.end(), 0.0)) / static_cast<double>(p - count);
  };
  const auto each = [&](double bulk, double (*value)(double, double)) {
    std::vector<double> spikes;
    for (std::size_t k = 0; k < count; ++k) spikes.push_back(bulk * value(sample.eigenvalues[k] / bulk, gamma));
    return spikes;
  };
  double bulk = bulk_variance(sample.eigenvalues, sample.degrees);
  for (int round = 0; round < kRounds && bulk > 0; ++round) bulk = others(each(bulk, spike_of));
  std::vector<double> values;
  if (bulk > 0) values = each(bulk, variance_along);
  if (!(bulk > 0) || others(values) < 0)  // there is nothing like a bulk
    values.assign(sample.eigenvalues.begin(), sample.eigenvalues.begin() + static_cast<std::ptrdiff_t>(count));
  values.resize(p, others(values));
  return values;
}

}  // namespace

Shrinker spiked_shrinkage() { return {"spiked", "a few above a white bulk (Donoho, Gavish, Johnstone 2018)", spiked}; }

}  // namespace noiseutils

#include <algorithm>

#include "base/error.hpp"
#include "linalg/shrinkage.hpp"

namespace noiseutils {
namespace {

/// Traces of S and S^2.
struct Traces {
  double first = 0, second = 0;
};

Traces traces_of(const std::vector<double>& eigenvalues) {
  Traces traces;
  for (const double value : eigenvalues) {
    traces.first += value;
    traces.second += value * value;
  }
  return traces;
}

/// (1 - rho) lambda + rho m, m the mean of the eigenvalues: the trace is kept.
std::vector<double> towards_mean(const std::vector<double>& eigenvalues, double rho) {
  const double share = std::clamp(rho, 0.0, 1.0);
  const double mean = traces_of(eigenvalues).first / static_cast<double>(eigenvalues.size());
  std::vector<double> values;
  for (const double value : eigenvalues) values.push_back((1 - share) * value + share * mean);
  return values;
}

/// rho = pi / (n gamma), pi = mean |x|^4 - |S|^2, which is the sum over entries of mean x_i^2 x_j^2 - s_ij^2, gamma =
/// |S - m I|^2 in the Frobenius norm.
/// Source: Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004.
std::vector<double> ledoit_wolf(const SampleSpectrum& sample) {
  if (!sample.fourth) throw DataError("the statistics lack the fourth moments that --shrink lw wants");
  const auto [trace, square] = traces_of(sample.eigenvalues);
  const double gamma = square - trace * trace / static_cast<double>(sample.eigenvalues.size());
  if (!(gamma > 0)) return sample.eigenvalues;  // white as it is
  return towards_mean(sample.eigenvalues, (*sample.fourth - square) / (sample.degrees * gamma));
}

/// rho = [(1 - 2/p) tr S^2 + tr^2 S] / [(n + 1 - 2/p)(tr S^2 - tr^2 S / p)], best for Gaussian vectors.
/// Source: Chen, Wiesel, Eldar, Hero, "Shrinkage algorithms for MMSE covariance estimation", 2010, eq. (23).
std::vector<double> oracle_approximating(const SampleSpectrum& sample) {
  const auto p = static_cast<double>(sample.eigenvalues.size());
  const auto [trace, square] = traces_of(sample.eigenvalues);
  const double gamma = square - trace * trace / p;
  if (!(gamma > 0)) return sample.eigenvalues;
  return towards_mean(sample.eigenvalues,
                      ((1 - 2 / p) * square + trace * trace) / ((sample.degrees + 1 - 2 / p) * gamma));
}

}  // namespace

Shrinker ledoit_wolf_shrinkage() {
  return {"lw", "towards their mean, by fourth moments (Ledoit, Wolf 2004)", ledoit_wolf};
}

Shrinker oas_shrinkage() {
  return {"oas", "towards their mean, as best for Gaussian vectors (Chen et al. 2010)", oracle_approximating};
}

}  // namespace noiseutils

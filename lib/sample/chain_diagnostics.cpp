#include "sample/chain_diagnostics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/error.hpp"

namespace noiseutils {
namespace {

/// One half of a chain, less its own mean.
struct HalfChain {
  std::vector<double> deviations;
  double mean = 0;

  /// 1/N sum_i dev_i dev_(i+t)
  double autocovariance(std::size_t t) const {
    double sum = 0;
    for (std::size_t i = t; i < deviations.size(); ++i) sum += deviations[i] * deviations[i - t];
    return sum / static_cast<double>(deviations.size());
  }
};

/// The halves and what is known of them together. The middle state of a chain of odd length is left out.
struct SplitChains {
  std::vector<HalfChain> halves;
  double within = 0;    ///< W
  double variance = 0;  ///< (N - 1) / N W + B / N

  double length() const { return static_cast<double>(halves.front().deviations.size()); }
};

HalfChain half_chain(const std::vector<double>& trace, std::size_t first, std::size_t length) {
  HalfChain half;
  const auto begin = trace.begin() + static_cast<std::ptrdiff_t>(first);
  half.deviations.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
  for (const double value : half.deviations) half.mean += value / static_cast<double>(length);
  for (double& value : half.deviations) value -= half.mean;
  return half;
}

SplitChains split_chains(const ChainTraces& traces) {
  SplitChains split;
  for (const auto& trace : traces) {
    if (trace.size() < 4 || trace.size() != traces.front().size())
      throw InternalError("traces of chains have the same length, at least 4");
    const std::size_t length = trace.size() / 2;
    split.halves.push_back(half_chain(trace, 0, length));
    split.halves.push_back(half_chain(trace, trace.size() - length, length));
  }
  const double n = split.length(), m = static_cast<double>(split.halves.size());
  double mean = 0, between = 0;
  for (const HalfChain& half : split.halves) {
    split.within += half.autocovariance(0) * n / (n - 1) / m;
    mean += half.mean / m;
  }
  for (const HalfChain& half : split.halves) between += (half.mean - mean) * (half.mean - mean) / (m - 1);
  split.variance = (n - 1) / n * split.within + between;
  return split;
}

}  // namespace

double split_rhat(const ChainTraces& traces) {
  const SplitChains split = split_chains(traces);
  if (split.within <= 0) return std::numeric_limits<double>::quiet_NaN();
  return std::sqrt(split.variance / split.within);
}

double effective_sample_size(const ChainTraces& traces) {
  const SplitChains split = split_chains(traces);
  if (split.within <= 0) return 0;
  const double m = static_cast<double>(split.halves.size()), total = m * split.length();
  const auto rho = [&](std::size_t t) {
    double covariance = 0;  // s_m^2 rho_t,m with the divisor N - 1, as in W
    for (const HalfChain& half : split.halves) covariance += half.autocovariance(t) / m;
    return 1 - (split.within - covariance * split.length() / (split.length() - 1)) / split.variance;
  };
  const auto lags = static_cast<std::size_t>(split.length());
  double pair = 1 + rho(1), tau = -1 + 2 * pair;
  for (std::size_t t = 2; t + 1 < lags; t += 2) {
    const double next = rho(t) + rho(t + 1);
    if (next <= 0) break;
    pair = std::min(pair, next);
    tau += 2 * pair;
  }
  return total / std::max(tau, 1 / std::log10(total));
}

}  // namespace noiseutils

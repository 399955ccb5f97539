#pragma once

#include <string>
#include <vector>

#include "base/option.hpp"
#include "model/fitted_denoiser.hpp"

namespace noiseutils {

/// A law of the noise levels that a denoiser is learned for: log sigma = centre + scale z with z of a standard law,
/// given that low <= sigma <= high.
struct SigmaLaw {
  std::string name;
  std::string summary;
  std::string source;
  std::vector<OptionSpec> options;
  double (*cdf)(double z);       ///< of the standard law
  double (*density)(double z);   ///< its derivative
  double (*quantile)(double u);  ///< its inverse, 0 < u < 1
  /// Centre and scale of log sigma; of the law `uniform` those of the whole range.
  struct Place {
    double centre = 0, scale = 1;
  };
  Place (*place)(const OptionValues& given, const SigmaRange& range);
};

/// lognormal  log sigma ~ N(M, W^2)
/// laplace    log SNR = -2 log sigma ~ Laplace(M, W)
/// cauchy     log SNR ~ Cauchy(M, W)
/// uniform    log sigma uniform on the range
const std::vector<SigmaLaw>& sigma_laws();

/// A law with its numbers: the noise levels of a run.
class SigmaSampler {
 public:
  /// One level, sigma > 0.
  explicit SigmaSampler(double level) : range_{level, level} {}
  /// Throws UsageError where the law has next to nothing of its mass in the range, or this is a single level.
  SigmaSampler(const SigmaLaw& law, const OptionValues& given, SigmaRange range);

  const SigmaRange& range() const { return range_; }
  /// The level whose share of smaller ones is u, 0 < u < 1: a draw for u uniform.
  double at(double u) const;

  /// Levels and probabilities that sum to 1, by which expectations over sigma of smooth functions are sums (the rule of
  /// Gauss and Legendre in log sigma on either side of the centre, where Laplace's law has an edge): one where there is
  /// one level.
  struct Node {
    double sigma = 0, probability = 0;
  };
  std::vector<Node> nodes() const;

 private:
  SigmaRange range_;
  const SigmaLaw* law_ = nullptr;  ///< none: one level
  SigmaLaw::Place place_;
  double below_ = 0, within_ = 1;  ///< mass of the law below the range and in it
};

}  // namespace noiseutils

#pragma once

#include <string>
#include <vector>

#include "estimate/noise_curve.hpp"

namespace noiseutils {

/// Var(y | mean m) = scale max(m, 0)^power + constant.
struct PowerLaw {
  double scale = 0, power = 0, constant = 0;

  double at(double mean) const;
};

/// A law fitted to a curve, and how well it fits.
struct VarianceFit {
  std::string family;
  PowerLaw law;
  int parameters = 1;
  double misfit = 0;  ///< root of the weighted mean square of (v - V) / V, large ones cut at 6 sigma
};

/// The families that a curve can tell: gaussian V = b, poisson V = a m, gamma V = a m^2, poisson-gaussian V = a m + b
/// (b < 0 is an offset of the data: V = a (m - offset)), tweedie V = a m^p with 1 < p < 2.
const std::vector<std::string>& curve_families();

/// The robust fit of a family's law to points: weighted least squares with weights n / (1 + n / 1000) / V^2, as the
/// variance of a variance wants until structure of the scene matters more, reweighted by Huber's rule (1.5 sigma, the
/// scale from the median of the residuals). Source: Foi et al., "Practical Poissonian-Gaussian noise modeling and
/// fitting", 2008; Huber, 1981.
VarianceFit fit_family(const std::vector<CurvePoint>& points, const std::string& family);

/// The fit of V = a m^rho with rho free, -1 to 4; NaN for rho where fewer than 3 points have a positive mean.
VarianceFit fit_power(const std::vector<CurvePoint>& points);

}  // namespace noiseutils

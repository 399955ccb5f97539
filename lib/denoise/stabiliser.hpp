#pragma once

#include <memory>

#include "noise/known_noise.hpp"

namespace noiseutils {

/// A transform f of noisy values after which the noise has about the standard deviation 1 whatever the clean value, and
/// the inverse of its expectation.
class Stabiliser {
 public:
  virtual ~Stabiliser() = default;
  /// f(y), rising.
  virtual double transformed(double y) const = 0;
  /// The exact unbiased inverse: the x with E[f(y) | x] = d; the least x where no expectation is that low.
  virtual double inverse(double d) const = 0;
};

/// Var(y | x) = phi x^power of a family with E[y | x] = x, and c > 0:
///   f(y) = integral from 0 to y of (phi (s + c)^power)^(-1/2) ds
///        = ((y + c)^q - c^q) / (q sqrt(phi)), q = 1 - power/2;  log(1 + y/c) / sqrt(phi) for power 2
/// c keeps f finite where values vanish. `law`: gamma or tweedie of power above 1, whose density gives
///   E[f | x] = sum of f p(. | x), trapezoids in log y
/// where the noise is strong; where phi x^(power-2) < 0.005 the expansion of f to the fourth order, by the cumulants of
/// an exponential dispersion model, phi x^p, p phi^2 x^(2p-1), p(2p-1) phi^3 x^(3p-2) (Jorgensen, "The Theory of
/// Dispersion Models", 1997, chapter 2).
/// Tabulated for x up to `largest`, linear beyond. y < 0 counts as 0.
std::unique_ptr<Stabiliser> power_stabiliser(std::shared_ptr<const Noise> law, double power, double phi, double c,
                                             double largest);

/// The generalised Anscombe transform of Poisson counts, of `gain` each above `offset`, with Gaussian noise of `read`,
/// and its exact unbiased inverse (estimate/anscombe.hpp).
std::unique_ptr<Stabiliser> anscombe_stabiliser(double gain, double read, double offset = 0);

/// What stabilises this noise, or nullptr: of one variance everywhere, or of a law for which nothing is known.
///   poisson, poisson-gaussian, both with gaussian noise after them   Anscombe
///   gamma, tweedie of power > 1                                       power, c = mean / 100
/// mean, largest: of the noisy values.
std::unique_ptr<Stabiliser> stabiliser_of(const KnownNoise& noise, double mean, double largest);

}  // namespace noiseutils

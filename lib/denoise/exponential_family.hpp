#pragma once

#include <functional>
#include <optional>

#include "noise/known_noise.hpp"

namespace noiseutils {

/// An exponential dispersion model with E[y | x] = x and Var(y | x) = phi x^power: Gaussian 0, Poisson 1 (phi = zeta),
/// gamma 2 (phi = 1 / looks), inverse Gaussian 3.
struct ExponentialFamily {
  double power = 0, phi = 1;
};

/// The only law of the noise as such, or nullopt.
std::optional<ExponentialFamily> exponential_family(const KnownNoise& noise);

/// What is needed of the law p(y) of a noisy element, the others given.
struct Marginal {
  double score = 0;       ///< d log p / dy
  double derivative = 0;  ///< d^2 log p / dy^2
};

/// Tweedie's formula as published, of phi = variance / power of the mean rho:
///   Gaussian y + phi s;  Poisson (y + phi/2) exp(phi s);  gamma k y / (k - 1 - y s)
///   else y (1 + (1-rho) a)^(1/(1-rho)), a = phi y^(rho-1) (rho/(2y) + s)            (saddle point)
/// Not the posterior mean but the power mean of order 1 - rho, (E[x^(1-rho) | y])^(1/(1-rho)), which lies below it by
/// about rho Var(x|y) / (2 E[x|y]).
/// Guards, ours: y >= 0; gamma at most y (1 + 5 / sqrt(k)), five standard deviations; else the base at least 0.1, and
/// for 1 < rho < 2 y at least (phi rho (rho-1))^(1/(2-rho)), where a counts half. Source: Kim, Ye, "Noise2Score",
/// NeurIPS 2021; Kim, Kwon, Ye, "Noise distribution adaptive self-supervised image denoising using Tweedie distribution
/// and score matching", CVPR 2022.
double tweedie_estimate(const ExponentialFamily& family, double y, const Marginal& marginal);

/// The same, lifted from the power mean to the mean to first order: with f the estimate above,
///   f + (rho/2) phi f^(rho-1) df/dy,   as Var(x | y) = Var(y | x = f) df/dy
/// 0 <= df/dy counts, as for every posterior mean of such a family.
double corrected_estimate(const ExponentialFamily& family, double y, const Marginal& marginal);

/// The posterior mean of Poisson noise, exactly (Robbins, "An empirical Bayes approach to statistics", 1956):
///   E[x | y] = (y + zeta) p(y + zeta) / p(y)
/// log_ratio: log p(y + zeta) - log p(y).
double robbins_estimate(double zeta, double y, double log_ratio);

/// The posterior mean of gamma noise, exactly:
///   E[x | y] = k y^(k-1) Int_y^inf t^(1-k) p(t) dt / p(y) = k y Int_0^inf exp((2-k) u + log p(y e^u) - log p(y)) du
/// by the double exponential rule u = exp(pi/2 sinh t) / k. log_ratio(t): log p(t) - log p(y). 0 for y <= 0.
/// Derived from d/dx of the gamma density; checked against the conjugate prior.
double gamma_mean_estimate(double looks, double y, const std::function<double(double)>& log_ratio);

}  // namespace noiseutils

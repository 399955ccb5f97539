#pragma once

#include <string>

#include "base/option.hpp"

namespace noiseutils {

/// What the exponential integrators of the reverse SDE with eta times its noise share, for a step from s = a to b,
/// h = log(a / b), k = (1 + eta) h. With D(x; s) a polynomial in the time log(a / s) since a, exactly
///   x_b = e^-k x + (1 - e^-k) D + phi2 h D' + phi3 h^2 D'' + ... + noise z
///   phi2 = 1 - (1 - e^-k) / k = k phi_2(-k),   phi3 = 1/2 - phi2 / k = k phi_3(-k),   noise = b sqrt(1 - e^(-2 eta h))
/// Source: Lu, Zhou, Bao, Chen, Li, Zhu 2022 (DPM-Solver++), whose SDE-DPM-Solver++ has eta = 1.
struct SdeCoefficients {
  double h, decay, gain, phi2, phi3, noise;
};
/// a > b > 0.
SdeCoefficients sde_coefficients(double a, double b, double eta);

/// --eta of these samplers.
OptionSpec sde_eta_option();

}  // namespace noiseutils

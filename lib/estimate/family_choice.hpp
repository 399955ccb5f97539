#pragma once

#include "estimate/plane.hpp"
#include "estimate/variance_fit.hpp"

namespace noiseutils {

/// The family that a noise curve and the values themselves speak for.
///  - counts: values on a lattice of step h, and a curve V = a m with a within 20 % of h: poisson.
///  - Negative values rule out poisson, gamma and tweedie.
///  - Of the laws with one parameter (gaussian, poisson, gamma) the best is taken if none with two fits better by more
///    than max(5 %, 1.25 x misfit of the best): structure that is left in the blocks bends curves by as much.
///  - V = a m + b with b above its standard error and no lattice of counts is poisson-gaussian, not poisson.
///  - tweedie where it fits clearly better than a m + b.
std::string choose_family(const NoiseCurve& curve, const ValueFacts& facts);

}  // namespace noiseutils

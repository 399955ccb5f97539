#pragma once

#include "sample/measured_law.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// The law of a run's target, for noise of another deviation at each element. UsageError, in the name of `who`, where
/// there is none.
MeasuredLaw law_of_elements(const Target* target, const std::string& who);

/// A step of the flow of x = x_0 + n, n_j ~ N(0, a_j^2) independent, from deviations a to b <= a, both of one vector:
///   x_j <- x0_j + sqrt(b_j^2 - q_j) / a_j (x_j - x0_j) + sqrt(q_j) z_j,  x0 = E[x_0 | x],  q = (eta b / a)^2 (a^2 -
///   b^2)
/// as DDIM does with white noise. An element without noise is known: it stays, and enters as one of deviation `least`.
/// `z` may be empty where eta is 0.
template <class T>
void step_of_elements(const MeasuredLaw& law, const std::vector<double>& a, const std::vector<double>& b, double eta,
                      double least, std::span<const T> z, std::span<T> x);

}  // namespace noiseutils

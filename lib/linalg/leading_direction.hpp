#pragma once

#include "linalg/deterministic_equivalent.hpp"

namespace noiseutils {

/// The first eigenvector of a sample covariance of n degrees, and that of the law, for n and d large.
struct LeadingDirection {
  double variance = 0;    ///< of the law along its own
  bool visible = false;   ///< the sample's largest eigenvalue stands out of its bulk
  double eigenvalue = 0;  ///< of the sample, expected: of the direction, else the edge of the bulk
  double overlap = 0;     ///< Q = squared cosine between the two, 0 where it is not visible
};

/// Of a largest variance alpha that occurs once, T = sum lambda / (alpha - lambda) and
/// U = sum lambda^2 / (alpha - lambda)^2 over the others:
///   eigenvalue alpha (1 + T / n),   Q = (1 - U / n) / (1 + T / n),   visible where U < n
/// For Sigma = I + beta u u^T, c = d / n: beta > sqrt(c), (1 + beta)(1 + c / beta), (1 - c/beta^2) / (1 + c/beta); else
/// the edge (1 + sqrt(c))^2. Two independent halves overlap by Q^2. Of a sampled spectrum alpha, T and U are what its
/// own eigenvalues say (Mestre 2008). NaN where the largest variance occurs more than once.
/// Source: Baik, Ben Arous, Peche 2005; Paul 2007; Bai, Yao 2012.
LeadingDirection leading_direction(const EquivalentSpectrum& spectrum, double degrees);

}  // namespace noiseutils

#pragma once

#include <Eigen/Dense>
#include <vector>

#include "model/stationary.hpp"

namespace noiseutils {

/// Spectra of few images scatter: that of n has the variance (tr P)^2 / n, in the Frobenius norm, at each frequency (of
/// complex Wishart matrices). They are drawn to the mean Q of their ring, the frequencies of the half spectrum with
/// about the same |f| (rounded to whole cycles over the shorter side),
///   P' = (1 - rho) P + rho Q,  rho = min(1, sum (tr P)^2 / (n + 1) / sum |P - Q|^2),
/// sums over the ring: the best rho for a target that does not depend on the data, its terms estimated. An isotropic
/// law has rho near 1, an anisotropic one of many images next to 0. The mean over a ring stays. cross: C x C for each
/// frequency, Hermitian; degrees: n. Source: as Ledoit, Wolf 2004 with another target; cf. Boehm, von Sachs, "Shrinkage
/// estimation in the frequency domain of multivariate time series", 2009.
void shrink_to_rings(const SpectralShape& shape, double degrees, std::vector<Eigen::MatrixXcd>& cross);

}  // namespace noiseutils

#pragma once

#include "linalg/padded_plane.hpp"

namespace noiseutils {

/// Two non-local means of one image.
struct GuidedMeans {
  PaddedPlane narrow, wide;
};

/// At each pixel p the weighted mean of `noisy` over the pixels q of the image within 10 rows and columns of p,
///   w_pq = max(0, 1 - D_pq / tau)^2,   D_pq = the mean squared difference of the 7 x 7 patches of `guide` about p and
///   q,
/// w_pp = 1, for two tau, in squared units of the pixels, from one D. Both planes have their margin filled; so are
/// those of the results. The sums over 7 x 7 are kept running down the rows of bands of 64: 40 operations a pixel and
/// shift.
GuidedMeans guided_means(const PaddedPlane& guide, const PaddedPlane& noisy, float tau_narrow, float tau_wide);

}  // namespace noiseutils

#pragma once

namespace noiseutils {

/// e^-z I_0(z) and e^-z I_1(z) for z >= 0: modified Bessel functions of the first kind, scaled so that they do not
/// overflow. Relative error below 1e-14.  Source: DLMF 10.25.2 (series), 10.40.1 (asymptotic expansion).
double scaled_bessel_i0(double z);
double scaled_bessel_i1(double z);

}  // namespace noiseutils

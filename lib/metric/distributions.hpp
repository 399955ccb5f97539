#pragma once

namespace noiseutils {

/// P(X > x) of a chi-square variable X with `degrees` > 0 degrees of freedom; relative error below 1e-12 where it is
/// above 1e-300.
double chi_square_tail(double x, double degrees);

}  // namespace noiseutils

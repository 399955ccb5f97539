#pragma once

namespace noiseutils {

/// P(X > x) of a chi-square variable X with `degrees` > 0 degrees of freedom; relative error below 1e-12 where it is
/// above 1e-300.
double chi_square_tail(double x, double degrees);

/// P(sup |B| > x) of a Brownian bridge B, 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2): the law of sqrt(n) times the distance of
/// Kolmogorov and Smirnov in the limit of large n. Source: Kolmogorov, Giornale dell'Istituto Italiano degli Attuari 4,
/// 1933.
double kolmogorov_tail(double x);

}  // namespace noiseutils

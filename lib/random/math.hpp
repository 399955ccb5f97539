#pragma once

namespace noiseutils::portable {

// The transcendental functions of lib/random and lib/noise: the same bits on every processor (libm picks fused
// multiply-add variants at run time). Errors are bounds on the distance to the true value, tested against long double.
// eps = 2^-53.

/// Natural logarithm; -inf at 0, NaN below. Relative error at most 2 eps, subnormal arguments included.
double log(double x);

/// e^x, gradually underflowing to 0, overflowing to inf. Relative error at most 2 eps where the result is normal.
double exp(double x);

/// x^y for x >= 0; NaN for x < 0. pow(x, 0) = 1. Relative error, where the result is normal, at most
/// 4 eps if |log of the result| < 20, 64 eps always.
double pow(double x, double y);

struct SinCos {
  double sin, cos;
};

/// Sine and cosine of x radians. Absolute error at most 2 eps for |x| <= 1e6; beyond, eps |x| more.
SinCos sincos(double x);

/// Sine and cosine of 2 pi u: exact at multiples of 1/4, periodic to the last bit. Relative error at most 4 eps.
SinCos sincos_of_turns(double u);

/// log Gamma(x) for x > 0; +inf at 0, NaN below. Error at most 64 eps max(1, |log Gamma(x)|).
double lgamma(double x);

/// log k! for k >= 0.
double log_factorial(double k);

}  // namespace noiseutils::portable

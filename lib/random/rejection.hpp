#pragma once

#include "random/elementary.hpp"

// The trials of the Poisson and gamma generators, shared by the vector kernels (first trial of every element) and the
// scalar code that goes on with those elements whose first trial did not settle it. In an unnamed namespace for the
// reason given in elementary.hpp.
namespace noiseutils {
namespace {

/// Means below this are drawn by inversion.
constexpr double kPtrsMean = 10.0;

/// Constants of PTRS for one mean >= 10.  Source: Hormann, "The transformed rejection method for generating Poisson
/// random variables", Insurance: Mathematics and Economics 12 (1993), algorithm PTRS.
struct Ptrs {
  double a, b, v_r;
};
NOISEUTILS_INLINE Ptrs ptrs_constants(double mean) {
  const double b = 0.931 + 2.53 * __builtin_sqrt(mean);
  return {-0.059 + 0.02483 * b, b, 0.9277 - 3.6224 / (b - 2.0)};
}

/// A point of the table mountain: the count it stands for, its distance `us` to the edge and its height v.
struct PoissonTrial {
  double count, us, v;
};
NOISEUTILS_INLINE PoissonTrial poisson_trial(double mean, const Ptrs& ptrs, const u32 word0, u32 word1, u32 word2,
                                             u32 word3) {
  const double u = uniform_double(word0, word1) - 0.5;
  const double us = 0.5 - __builtin_fabs(u);
  const double count = __builtin_floor((2.0 * ptrs.a / us + ptrs.b) * u + mean + 0.43);
  return {count, us, uniform_double(word2, word3)};
}

/// The squeeze: inside it a trial is accepted without a look at the probabilities.
NOISEUTILS_INLINE bool poisson_accepted_at_once(const Ptrs& ptrs, const PoissonTrial& trial) {
  return trial.us >= 0.07 && trial.v <= ptrs.v_r;
}

/// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000): d v is Gamma(shape) where
/// accepted.
struct GammaTrial {
  double x, u, v;
};
NOISEUTILS_INLINE double gamma_d(double shape) { return (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0; }
NOISEUTILS_INLINE GammaTrial gamma_trial(double d, double x, double u) {
  const double t = 1.0 + x / (3.0 * __builtin_sqrt(d));
  return {x, u, t * t * t};
}
NOISEUTILS_INLINE GammaTrial gamma_trial(double d, u32 word0, u32 word1, u32 word2, u32 word3) {
  // A normal by Box-Muller; the sine of a uniform angle of (-pi/2, pi/2) has the law of the cosine of any angle.
  const double angle = (uniform_double(word2) - 0.5) * (2.0 * kHalfPi);
  const double x = __builtin_sqrt(2.0 * exponential(word0, word1)) * sin_of_half_turn(angle);
  return gamma_trial(d, x, uniform_double(word3));
}
NOISEUTILS_INLINE bool gamma_accepted_at_once(const GammaTrial& trial) {
  const double square = trial.x * trial.x;
  return trial.v > 0.0 && trial.u < 1.0 - 0.0331 * (square * square);
}

/// U^(1/shape), which turns Gamma(shape + 1) into Gamma(shape); 0 where it is below e^-708.
NOISEUTILS_INLINE double gamma_boost(double shape, u32 word0, u32 word1) {
  const double exponent = -exponential(word0, word1) / shape;
  const double boost = exp_of_normal_range(exponent > -708.0 ? exponent : -708.0);
  return exponent > -708.0 ? boost : 0.0;
}

}  // namespace
}  // namespace noiseutils

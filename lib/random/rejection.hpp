#pragma once

#include "random/elementary.hpp"

// The trials of the Poisson and gamma generators, shared by the vector kernels (first trial of every element) and the
// scalar code that goes on with those elements whose first trial did not settle it. In an unnamed namespace for the
// reason given in elementary.hpp.
namespace noiseutils {
namespace {

/// Means below this are drawn by inversion.
constexpr double kPtrsMean = 10.0;

/// Constants of PTRS for one mean >= 10.
/// Source: Hormann, "The transformed rejection method for generating Poisson
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
NOISEUTILS_INLINE PoissonTrial poisson_trial(double mean, const Ptrs& ptrs, u32 word0, u32 word1, u32 word2,
                                             u32 word3) {
  const double u = uniform_double(word0, word1) - 0.5;
  const double us = 0.5 - __builtin_fabs(u);
  const double count = __builtin_floor((2.0 * ptrs.a / us + ptrs.b) * u + mean + 0.43);
  return {count, us, uniform_double(word2, word3)};
}

/// The ratio of the point's height to that of the hat; its logarithm is compared with log p(count).
NOISEUTILS_INLINE double poisson_height(const Ptrs& ptrs, const PoissonTrial& trial) {
  const double inverse_alpha = 1.1239 + 1.1328 / (ptrs.b - 3.4);
  return trial.v * inverse_alpha / (ptrs.a / (trial.us * trial.us) + ptrs.b);
}

/// log k! - (k + 1/2) log k + k - log(2 pi) / 2 for k >= 1: interpolated exactly at k = 1 ... 7.
NOISEUTILS_INLINE double stirling_remainder_of_factorial(double k) {
  const double i = 1.0 / k;
  const double small =
      i * polynomial(i, 0.08333336369183876, -8.968131513380576e-07, -0.002766706801595475, -7.407979027131691e-05,
                     0.0010837783726253835, -0.0006586704431330099, 0.00014467857901425166);
  const double large = stirling_remainder(k);
  return k < 8.0 ? small : large;
}

constexpr double kAccepted = 0.0, kRejected = 1.0, kUndecided = 2.0;

/// Steps 1 to 3 of PTRS, with p(k) = exp(-deviance - remainder) / sqrt(2 pi k). The deviance k log(k / mean) - (k -
/// mean) would cancel; with s = (k - mean) / (k + mean) it is (k - mean) ((1 + s) atanh(s) / s - 1). Counts of 0 and
/// |s| > 1/3, where the series of atanh does not hold, are left undecided. One selection after the other, each on one
/// comparison: g++ does not vectorise conjunctions.
NOISEUTILS_INLINE double poisson_verdict(double mean, const Ptrs& ptrs, const PoissonTrial& trial) {
  const double k = trial.count > 1.0 ? trial.count : 1.0;
  const double s = (k - mean) / (k + mean), z = s * s;
  const double deviance = (k - mean) * (s + (1.0 + s) * (0.5 * z * atanh_tail(z)));
  const double log_height = log_of_normal(poisson_height(ptrs, trial) * __builtin_sqrt(kTwoPi * k));
  double verdict = log_height + deviance + stirling_remainder_of_factorial(k) <= 0.0 ? kAccepted : kRejected;
  verdict = z > 1.0 / 9.0 ? kUndecided : verdict;
  verdict = trial.count < 1.0 ? kUndecided : verdict;
  verdict = trial.count < 0.0 ? kRejected : verdict;
  const double edge = trial.us < 0.013 ? trial.us : 2.0;
  verdict = trial.v > edge ? kRejected : verdict;
  const double inside = trial.us >= 0.07 ? trial.v : 2.0;
  return inside <= ptrs.v_r ? kAccepted : verdict;
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
  return (trial.v > 0.0) & (trial.u < 1.0 - 0.0331 * (square * square));
}

/// U^(1/shape), which turns Gamma(shape + 1) into Gamma(shape); 0 where it is below e^-708.
NOISEUTILS_INLINE double gamma_boost(double shape, u32 word0, u32 word1) {
  const double exponent = -exponential(word0, word1) / shape;
  const double boost = exp_of_normal_range(exponent > -708.0 ? exponent : -708.0);
  return exponent > -708.0 ? boost : 0.0;
}

}  // namespace
}  // namespace noiseutils

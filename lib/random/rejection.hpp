#pragma once

#include "random/elementary.hpp"

// The trials of the Poisson and gamma generators. In an unnamed namespace for the
// reason given in elementary.hpp.
namespace noiseutils {
namespace {

/// Means below this are drawn by inversion.
constexpr double kPtrsMean = 10.0;

constexpr double kAccepted = 0.0, kRejected = 1.0, kUndecided = 2.0;

/// Constants of PTRS for one mean >= 10: the hat is the table mountain of width b and steepness a.
/// Source: Hormann, "The transformed rejection method for generating Poisson random variables", Insurance: Mathematics
/// and Economics 12 (1993), algorithm PTRS. Its squeezes are left out: in vectors the exact test of all is cheaper.
/// Its hat is 0.7 % higher here: as published it lies below the probabilities, by up to 0.57 % (near mean 14, 1.9
/// standard deviations above it).
struct Ptrs {
  double a, b;
};
NOISEUTILS_INLINE Ptrs ptrs_constants(double mean) {
  const double b = 0.931 + 2.53 * __builtin_sqrt(mean);
  return {-0.059 + 0.02483 * b, b};
}

/// A point below the hat: the count it stands for, and its height as a share of p(mode); accepted if log height <= log
/// p(count).
struct PoissonTrial {
  double count, height;
};
NOISEUTILS_INLINE PoissonTrial poisson_trial(double mean, u32 word0, u32 word1, u32 word2, u32 word3) {
  const Ptrs ptrs = ptrs_constants(mean);
  const double u = uniform_double(word0, word1) - 0.5, v = uniform_double(word2, word3);
  const double us = 0.5 - __builtin_fabs(u);
  const double count = __builtin_floor((2.0 * ptrs.a / us + ptrs.b) * u + mean + 0.43);
  const double inverse_alpha = 1.007 * (1.1239 + 1.1328 / (ptrs.b - 3.4));
  return {count, v * inverse_alpha / (ptrs.a / (us * us) + ptrs.b)};
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

/// The exact test, with p(k) = exp(-deviance - remainder) / sqrt(2 pi k). The deviance k log(k / mean) - (k - mean)
/// would cancel; with s = (k - mean) / (k + mean) it is (k - mean) ((1 + s) atanh(s) / s - 1). Counts of 0 and |s| >
/// 1/3, where the series of atanh does not hold, are left undecided. One selection after the other, each on one
/// comparison: g++ does not vectorise conjunctions.
NOISEUTILS_INLINE double poisson_verdict(double mean, const PoissonTrial& trial) {
  const double k = trial.count > 1.0 ? trial.count : 1.0;
  const double s = (k - mean) / (k + mean), z = s * s;
  const double deviance = (k - mean) * (s + (1.0 + s) * (0.5 * z * atanh_tail(z)));
  const double log_height = log_of_normal(trial.height * __builtin_sqrt(kTwoPi * k));
  double verdict = log_height + deviance + stirling_remainder_of_factorial(k) <= 0.0 ? kAccepted : kRejected;
  verdict = z > 1.0 / 9.0 ? kUndecided : verdict;
  verdict = trial.count < 1.0 ? kUndecided : verdict;
  return trial.count < 0.0 ? kRejected : verdict;
}

/// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000): d v is Gamma(shape) where
/// accepted, Gamma(shape + 1) for shapes below 1.
struct GammaTrial {
  double x, u, d, v;
};
NOISEUTILS_INLINE GammaTrial gamma_trial(double shape, u32 word0, u32 word1, u32 word2, u32 word3) {
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0;
  // A normal by Box-Muller; the sine of a uniform angle of (-pi/2, pi/2) has the law of the cosine of any angle.
  const double angle = (uniform_double(word2) - 0.5) * (2.0 * kHalfPi);
  const double x = __builtin_sqrt(2.0 * exponential(word0, word1)) * sin_of_half_turn(angle);
  const double t = 1.0 + x / (3.0 * __builtin_sqrt(d));
  return {x, uniform_double(word3), d, t * t * t};
}

/// The squeeze, which accepts all but 2 to 8 in 100 of what the exact test does.
NOISEUTILS_INLINE double gamma_squeeze(const GammaTrial& trial) {
  const double square = trial.x * trial.x, edge = 1.0 - 0.0331 * (square * square);
  const double verdict = trial.u < edge ? kAccepted : kUndecided;
  return trial.v > 0.0 ? verdict : kUndecided;
}

/// The exact test: log u < x^2 / 2 + d (1 - v + log v).
NOISEUTILS_INLINE double gamma_verdict(const GammaTrial& trial) {
  const double v = trial.v > 0.0 ? trial.v : 1.0;
  const double margin = 0.5 * (trial.x * trial.x) + trial.d * (1.0 - v + log_of_normal(v)) - log_of_normal(trial.u);
  const double verdict = margin > 0.0 ? kAccepted : kRejected;
  return trial.v > 0.0 ? verdict : kRejected;
}

/// U^(1/shape), which turns Gamma(shape + 1) into Gamma(shape); 0 where it is below e^-708.
NOISEUTILS_INLINE double gamma_boost(double shape, u32 word0, u32 word1) {
  const double exponent = -exponential(word0, word1) / shape;
  const double boost = exp_of_normal_range(exponent > -708.0 ? exponent : -708.0);
  return exponent > -708.0 ? boost : 0.0;
}

}  // namespace
}  // namespace noiseutils

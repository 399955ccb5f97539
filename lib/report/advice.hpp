#pragma once

#include <span>
#include <string>

#include "report/fitted_gaussian.hpp"
#include "report/law_errors.hpp"

namespace noiseutils {

/// Mean square error a dimension of the Wiener filter of a law that is learned with a shrinker, one a noise level.
struct ShrinkageError {
  std::string shrinker;
  std::vector<double> mse;
};

/// For every one of shrinkers(), by cross-validation: a `folds`-th of the samples, in turn, judges the law learned from
/// the others, in closed form over the noise:
///   E |D - x|^2 = sum_k (1 - h_k)^2 (u_k . (x - m))^2 + t h_k^2,   h = s / (s + t), s the shrunk eigenvalues, t =
///   sigma^2
/// in all d directions. It is that of n (1 - 1/folds) samples: slightly pessimistic, and unbiased for these.
/// `rows`: at least `folds` + 2 of them. Source: Lam 2016 (NERCOME), for the idea.
std::vector<ShrinkageError> shrinkage_errors(const SampleRows& rows, std::span<const double> sigmas, std::int64_t folds,
                                             std::uint64_t seed);

/// The law learned of all rows with a shrinker, as errors of samplers depend on it.
Spectrum learned_spectrum(const SampleRows& rows, const std::string& shrinker);

/// What a sampler of a Gaussian law costs and how far its law is off, exactly: see law_errors.hpp.
struct SamplerAdvice {
  std::string sampler;
  std::int64_t steps = 0, calls = 0;  ///< calls of the denoiser for one sample
  double w2 = 0;
};
/// Where no sampler from N(0, s_0^2) is better for long, however many its steps: the W2 error of the exact flow
/// x(0) = mu + sqrt(lambda / (lambda + s_0^2)) (x(s_0) - mu) from there, s_0 the first level of that schedule.
double start_error(const Spectrum& spectrum);
/// Of samplers of each kind in 10, 20 and 50 steps, along the schedule that `sample` takes by default.
std::vector<SamplerAdvice> sampler_advice(const Spectrum& spectrum);

}  // namespace noiseutils

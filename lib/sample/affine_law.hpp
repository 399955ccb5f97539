#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/linear_model.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// What an affine sampler makes of the coefficient k of a state in the basis of a Gaussian law N(mu, U diag(lambda)
/// U^T), along a schedule that ends at s_N:
///   x_k(s_N) = start_k x_k(s_0) + mean_k mu_k + sum_j noise_jk z_j,k,   z_j the draws
struct AffineLaw {
  std::vector<double> start, mean;
  std::vector<std::vector<double>> noise;  ///< one a draw

  /// Of the part of x_k(s_N) that the draws make.
  double noise_variance(std::size_t k) const;
  /// Of x_k(s_N), where x_k(s_0) has the variance `start_variance`.
  double variance(std::size_t k, double start_variance) const;
};

/// How a sampler is run.
struct SamplerSettings {
  const Sampler& sampler;
  const OptionValues& options;
  const Schedule& schedule;       ///< of finite levels
  bool lower_order_final = true;  ///< see SamplerRun
  bool exact_history = false;     ///< first steps of methods with a history by the exact flow
  bool from_states = false;       ///< see SamplerRun
};

/// The exact law that a sampler puts out, without sampling: the sampler itself is run on the coefficients of the affine
/// forms, a state for the start, one for the mean and one for each draw, whose normals are 1 in its own state and 0 in
/// the others. `lambda`: the variances of the modes. InternalError for a sampler that is not affine.
AffineLaw affine_law(const SamplerSettings& settings, std::span<const double> lambda);

/// What a run costs.
struct SamplerCost {
  std::int64_t calls = 0;       ///< of the denoiser, for one sample (NFE)
  std::int64_t draws = 0;       ///< of a vector of normals
  bool tells = false;           ///< facts about single samples
  std::int64_t companions = 0;  ///< vectors kept beside a state
};
/// By running it on one number. InternalError for a sampler that is not affine.
SamplerCost sampler_cost(const SamplerSettings& settings);

}  // namespace noiseutils

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "denoise/differences.hpp"
#include "denoise/sample_denoiser.hpp"
#include "model/model.hpp"
#include "model/posterior.hpp"
#include "noise/schedule.hpp"
#include "score/singular_directions.hpp"

namespace noiseutils {

/// J = dD/dy of a denoiser D(y; alpha, sigma) = D(y / alpha; s), s = sigma / alpha, at one noisy sample
/// y = alpha x + sigma n of d elements. Where D is the posterior mean, J is symmetric, positive semidefinite, and
///   Cov(x | y) = (sigma^2 / alpha) J           (second-order Tweedie formula)
/// Source: Miyasawa 1961; Manor, Michaeli, "On the posterior distribution in denoising", ICLR 2024, theorem 1.
class JacobianAt {
 public:
  std::int64_t dim() const { return static_cast<std::int64_t>(x_.size()); }
  const NoiseLevel& level() const { return level_; }
  /// Whether products are those of a formula, and not differences of estimates.
  bool is_exact() const { return model_ != nullptr; }
  /// Whether y is. Formulas that do not meet what is not finite would answer as if it were not there: products and
  /// moments of exact ones are NaN at such a y.
  bool is_finite() const { return finite_; }
  /// Whether J is known to be symmetric: that of a law's posterior mean.
  bool is_symmetric() const { return posterior_ != nullptr; }

  /// J v of each of the vectors v (m x dim), one after the other. By formula where there is one, else
  /// (D(y + h v) - D(y - h v)) / 2h with h = step sigma: its error is h^2 / 6 of the third derivative along v, and the
  /// rounding of D over h.
  void product(std::span<const double> v, std::span<double> out) const;
  /// J and J^T by their products. J^T is taken for J, as it is for every posterior mean: no denoiser offers more.
  MatrixProducts products() const;
  /// The same of P J, P the projection to the elements where `kept` is not 0, with (P J)^T = J P.
  MatrixProducts masked_products(std::span<const double> kept) const;
  /// Whether all of J is cheap to make: few dimensions, or the only way to know J^T.
  bool is_small() const;

  /// The posterior where the model tells it; nullptr else. In the units of x, at noisy_vector().
  const Posterior* posterior() const { return posterior_.get(); }
  /// The model, where y is one vector of it; nullptr else.
  const Model* model() const { return model_; }
  /// y / alpha
  std::span<const double> noisy_vector() const { return x_; }
  /// Central moments of v^T x given y, |v| = 1: of the posterior where it is known, else by derivatives of D along v
  /// (DenoiserDifferences::moments).
  CentralMoments moments(std::span<const double> v) const;
  /// D(factor y / alpha; s), in the units of x.
  std::vector<double> estimate_of_multiple(double factor) const { return differences_->estimate_of_multiple(factor); }

 private:
  friend class JacobianOfDenoiser;
  NoiseLevel level_;
  std::vector<double> x_;
  bool finite_ = true;
  const Model* model_ = nullptr;
  std::shared_ptr<const VectorMap> map_;  ///< v -> J v at x, where a model can be made ready for it
  std::shared_ptr<const Posterior> posterior_;
  std::optional<DenoiserDifferences> differences_;
  double step_ = 0;
};

/// The Jacobians of one denoiser at any samples.
class JacobianOfDenoiser {
 public:
  /// `step` of differences, in standard deviations of the noise.
  JacobianOfDenoiser(std::shared_ptr<const Model> model, double step);
  JacobianOfDenoiser(std::unique_ptr<SampleDenoiser> denoiser, double step);

  /// Makes ready for samples of these axes and shape. DataError if the denoiser does not take them.
  void prepare(const std::string& axes, const Shape& shape);
  /// At the sample y. UsageError unless level.sigma > 0. This object outlives it; of exact ones several may work at
  /// once.
  JacobianAt at(const Tensor& y, const NoiseLevel& level);
  /// tr J in closed form where D is an average of affine estimates of patches; nullopt else.
  std::optional<double> trace_over_patches(const NoiseLevel& level) const;

 private:
  std::shared_ptr<const Model> model_;
  std::unique_ptr<SampleDenoiser> denoiser_;
  double step_;
  std::string axes_;  ///< of one sample
  Shape shape_;
  bool is_vector_ = false;  ///< a sample is one vector of the model
  double s_ = 0;            ///< that posterior_ is made for
  std::shared_ptr<const Posterior> posterior_;
};

}  // namespace noiseutils

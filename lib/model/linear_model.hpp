#pragma once

#include "model/model.hpp"

namespace noiseutils {

/// One factor for each coefficient of a LinearModel's basis, and one for what lies outside its span.
struct Gains {
  std::vector<double> coefficients;  ///< rank() of them
  double residual = 0;
};

/// Where the mean enters a gain map: out = [mean +] U diag(g) U^T (in [- mean]).
enum class MeanUse {
  affine,    ///< (in - mean), + mean: y -> estimate
  subtract,  ///< (in - mean): y -> score
  add,       ///< + mean: normals -> draw
  none,      ///< direction -> direction
};

/// A Gaussian law that is diagonal in an orthonormal basis U (dim x rank):
///   x = mean + U a + r,  a_k ~ N(0, lambda_k),  r ~ N(0, rho) in each direction outside the span of U.
/// Posterior mean, score, Jacobian, exact draw, and any number of deterministic sampling steps are all
///   out = mean + U diag(g) U^T (in - mean) + g_r (I - U U^T) (in - mean)
/// with gains g that are functions of lambda alone: T linear steps are one gain vector, the product of their factors.
/// Denoising: g = lambda / (lambda + sigma^2) (Wiener filter). Source: Li, Dai, Qu 2024, eq. (6).
/// The probability-flow ODE from sigma_T down to sigma: g = sqrt((lambda + sigma^2) / (lambda + sigma_T^2)).
class LinearModel : public Model {
 public:
  /// `eigenvalues` >= 0, one a coefficient, in the order of the kind's basis; `residual_variance` >= 0.
  LinearModel(ModelInfo info, std::vector<double> eigenvalues, double residual_variance);

  std::int64_t rank() const { return static_cast<std::int64_t>(eigenvalues_.size()); }
  const std::vector<double>& eigenvalues() const { return eigenvalues_; }
  double residual_variance() const { return residual_variance_; }

  /// Gains g_k = f(lambda_k), and f(rho) for the rest.
  template <class Function>
  Gains gains(Function&& f) const {
    Gains result;
    result.coefficients.reserve(eigenvalues_.size());
    for (const double lambda : eigenvalues_) result.coefficients.push_back(f(lambda));
    result.residual = f(residual_variance_);
    return result;
  }
  /// lambda / (lambda + sigma^2); 0 where lambda is 0.
  Gains wiener_gains(double sigma) const;

  /// The mean, dim() values.
  virtual std::span<const double> mean() const = 0;
  /// The map with these gains, prepared for about `vectors` vectors: the cheaper of two ways, equal but for rounding,
  /// is chosen by it. (So a figure that depends on how the input is cut would make the last bits depend on it too.) The
  /// model must outlive the map.
  std::unique_ptr<VectorMap> gain_map(const Gains& gains, MeanUse use, std::int64_t vectors) const;
  /// c = U^T (y - mean) of each vector (n x rank). With rank() < dim(), |y - mean|^2 - |c|^2 lies outside the span.
  virtual void coefficients(std::span<const float> y, std::span<float> c) const = 0;
  virtual void coefficients(std::span<const double> y, std::span<double> c) const = 0;
  /// x = mean + U c of each vector of coefficients (n x rank).
  virtual void synthesise(std::span<const float> c, std::span<float> x) const = 0;
  virtual void synthesise(std::span<const double> c, std::span<double> x) const = 0;

  /// The diagonal of U diag(g) U^T + g_r (I - U U^T), dim() values: d_i = g_r + sum_k U_ik^2 (g_k - g_r).
  virtual std::vector<double> diagonal(const Gains& gains) const;

  std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t vectors) const override;
  std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t vectors) const override;
  void jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                        std::span<float> out) const override;
  void jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                        std::span<double> out) const override;
  /// -1/2 [ sum_k c_k^2 / (lambda_k + t) + |r|^2 / (rho + t) + sum_k log(lambda_k + t) + (d - rank) log(rho + t)
  ///        + d log 2 pi ], t = sigma^2
  std::vector<double> log_density(double sigma, std::span<const float> y) const override;
  std::vector<double> log_density(double sigma, std::span<const double> y) const override;
  /// x = mean + Sigma^(1/2) z, the symmetric root: gains sqrt(lambda).
  void draw(std::span<const float> normals, std::span<float> x) const override;
  void draw(std::span<const double> normals, std::span<double> x) const override;
  std::unique_ptr<Posterior> posterior(double sigma) const override;
  const LinearModel* linear() const override { return this; }

 protected:
  /// The map through the basis: coefficients, gains, synthesis.
  virtual std::unique_ptr<VectorMap> spectral_map(const Gains& gains, MeanUse use) const = 0;

 private:
  std::vector<double> eigenvalues_;
  double residual_variance_;
};

}  // namespace noiseutils

#pragma once

#include "model/model.hpp"

namespace noiseutils {

/// The noise levels that a denoiser was fitted for, in units of data: 0 < low <= high.
struct SigmaRange {
  double low = 0, high = 0;
};

/// A denoiser that was fitted to samples of certain noise levels, and is not derived from a law: it has the estimate
/// D(y) and what follows from it, the score (D(y) - y) / sigma^2 by Tweedie's formula, and no density and no draws
/// (UsageError). Used at a sigma outside of its range by more than 1e-6 of it, a DataError names both.
class FittedDenoiser : public Model {
 public:
  FittedDenoiser(ModelInfo info, SigmaRange range) : Model(std::move(info)), range_(range) {}
  const SigmaRange& range() const { return range_; }

  std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t vectors) const override;
  std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t vectors) const override;
  void jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                        std::span<float> out) const override;
  void jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                        std::span<double> out) const override;
  std::vector<double> log_density(double sigma, std::span<const float> y) const override;
  std::vector<double> log_density(double sigma, std::span<const double> y) const override;
  void draw(std::span<const float> normals, std::span<float> x) const override;
  void draw(std::span<const double> normals, std::span<double> x) const override;

 protected:
  /// Throws DataError, naming the levels that it knows, unless it may be used at sigma.
  virtual void require_level(double sigma) const;
  /// y -> D(y; sigma), at a sigma that require_level() let pass. The model must outlive the map.
  virtual std::unique_ptr<VectorMap> fitted_map(double sigma) const = 0;
  /// v -> J v with J = dD/dy at y, which need not be symmetric.
  virtual void fitted_product(double sigma, std::span<const float> y, std::span<const float> v,
                              std::span<float> out) const = 0;
  virtual void fitted_product(double sigma, std::span<const double> y, std::span<const double> v,
                              std::span<double> out) const = 0;

 private:
  SigmaRange range_;
};

/// The tensor "sigma" [2] of a model file: low, high. DataError unless 0 < low <= high.
SigmaRange require_sigma_range(const Record& record);
Tensor sigma_range_tensor(const SigmaRange& range);

}  // namespace noiseutils

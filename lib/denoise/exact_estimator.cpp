#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/estimator.hpp"
#include "denoise/exponential_family.hpp"
#include "denoise/marginal_map.hpp"

namespace noiseutils {
namespace {

/// Robbins' formula by the densities of the model at y and, for every element, y + zeta e_i.
class RobbinsMap : public VectorMap {
 public:
  RobbinsMap(std::shared_ptr<const Model> model, double sigma, double zeta)
      : model_(std::move(model)), sigma_(sigma), zeta_(zeta) {}
  std::int64_t dim() const override { return model_->dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out) const {
    const auto d = static_cast<std::size_t>(dim());
    std::vector<double> y(in.begin(), in.end());
    const std::vector<double> at = model_->log_density(sigma_, std::span<const double>(y));
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t e = i; e < y.size(); e += d) y[e] += zeta_;
      const std::vector<double> above = model_->log_density(sigma_, std::span<const double>(y));
      for (std::size_t e = i; e < y.size(); e += d) {
        y[e] -= zeta_;
        out[e] = static_cast<Real>(robbins_estimate(zeta_, y[e], above[e / d] - at[e / d]));
      }
    }
  }

  std::shared_ptr<const Model> model_;
  double sigma_, zeta_;
};

/// The posterior mean of the family if the law of the noisy vectors is what the model gives for white Gaussian noise of
/// the mean variance. Under a linear model an element has a Gaussian law, the others given:
///   log p(t) - log p(y) = s (t - y) + s' (t - y)^2 / 2
class ExactEstimator : public MapEstimator {
 public:
  using MapEstimator::MapEstimator;

 protected:
  PreparedMap map_of(const Tensor&, const KnownNoise& noise) const override {
    if (!(noise.sigma > 0)) return {};
    const auto family = exponential_family(noise);
    const double power = family ? family->power : -1;
    if (power == 0) return {};
    if (power != 1 && power != 2)
      throw DataError("--estimator exact knows gaussian, poisson and gamma noise, not " + noise.laws.back()->family() +
                      ": take lmmse");
    const bool linear = model().linear() != nullptr;
    if (power == 1 && !linear) return {std::make_unique<RobbinsMap>(shared_model(), noise.sigma, family->phi), {}};
    if (!linear)
      throw DataError(
          "--estimator exact of gamma noise wants a model whose estimate is linear, gaussian or stationary: "
          "take lmmse");
    return {
        marginal_map(shared_model(), noise.sigma, true, score_diagonal(shared_model(), axes(), shape(), noise.sigma),
                     [family = *family](double y, const Marginal& marginal) {
                       const auto log_ratio = [&](double t) {
                         return (t - y) * (marginal.score + marginal.derivative * (t - y) / 2);
                       };
                       if (family.power == 1) return robbins_estimate(family.phi, y, log_ratio(y + family.phi));
                       return gamma_mean_estimate(1 / family.phi, y, log_ratio);
                     }),
        {}};
  }
};

}  // namespace

Estimator exact_estimator() {
  return {"exact",
          "the posterior mean that the density of the noisy vectors has: Robbins' for poisson, an integral for gamma",
          [](std::shared_ptr<const Model> model) -> std::unique_ptr<SampleDenoiser> {
            return std::make_unique<ExactEstimator>(std::move(model));
          }};
}

}  // namespace noiseutils

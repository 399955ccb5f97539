#include "base/error.hpp"
#include "denoise/estimator.hpp"
#include "denoise/exponential_family.hpp"
#include "denoise/marginal_map.hpp"

namespace noiseutils {
namespace {

/// Tweedie's formula with the score of the law of the noisy vectors, as the model gives it for white Gaussian noise of
/// the mean variance.
class TweedieEstimator : public MapEstimator {
 public:
  TweedieEstimator(std::shared_ptr<const Model> model, bool corrected)
      : MapEstimator(std::move(model)), corrected_(corrected) {}

 protected:
  std::unique_ptr<VectorMap> map_of(const Tensor&, const KnownNoise& noise) const override {
    if (!(noise.sigma > 0)) return nullptr;
    const auto family = exponential_family(noise);
    if (!family)
      throw DataError("Tweedie's formula is one for gaussian, poisson, gamma or tweedie noise, not for " +
                      noise.laws.back()->family() + ": take --estimator lmmse");
    if (!corrected_)
      return marginal_map(
          shared_model(), noise.sigma, false, {},
          [family = *family](double y, const Marginal& marginal) { return tweedie_estimate(family, y, marginal); });
    return marginal_map(
        shared_model(), noise.sigma, true, score_diagonal(shared_model(), axes(), shape(), noise.sigma),
        [family = *family](double y, const Marginal& marginal) { return corrected_estimate(family, y, marginal); });
  }

 private:
  bool corrected_;
};

}  // namespace

Estimator tweedie_estimator() {
  return {"tweedie", "Tweedie's formula as published for the family: a power mean, which is too low",
          [](std::shared_ptr<const Model> model) -> std::unique_ptr<SampleDenoiser> {
            return std::make_unique<TweedieEstimator>(std::move(model), false);
          }};
}

Estimator corrected_estimator() {
  return {"corrected", "Tweedie's formula, lifted from the power mean to the mean",
          [](std::shared_ptr<const Model> model) -> std::unique_ptr<SampleDenoiser> {
            return std::make_unique<TweedieEstimator>(std::move(model), true);
          }};
}

}  // namespace noiseutils

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
  PreparedMap map_of(const Tensor&, const KnownNoise& noise) const override {
    if (!(noise.sigma > 0)) return {};
    const auto family = exponential_family(noise);
    if (!family)
      throw DataError("Tweedie's formula is one for gaussian, poisson, gamma or tweedie noise, not for " +
                      noise.laws.back()->family() + ": take --estimator lmmse");
    auto diagonal = corrected_ ? score_diagonal(shared_model(), axes(), shape(), noise.sigma) : std::vector<double>();
    const auto formula = corrected_ ? corrected_estimate : tweedie_estimate;
    return {marginal_map(shared_model(), noise.sigma, corrected_, std::move(diagonal),
                         [family = *family, formula](double y, const Marginal& marginal) {
                           return formula(family, y, marginal);
                         }),
            {}};
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

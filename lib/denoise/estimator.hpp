#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "denoise/family_denoiser.hpp"

namespace noiseutils {

/// A way to estimate by a model what lies under noise that is not white and Gaussian: one entry of estimators(), made
/// in one file of this folder. Under white Gaussian noise all are the posterior mean.
struct Estimator {
  std::string name;
  std::string summary;
  std::unique_ptr<SampleDenoiser> (*make)(std::shared_ptr<const Model> model);
};

const std::vector<Estimator>& estimators();

/// --estimator
OptionSpec estimator_option();

/// The denoiser of a model by the estimator asked for, lmmse if none is.
std::unique_ptr<SampleDenoiser> estimating_denoiser(std::shared_ptr<const Model> model, const OptionValues& options);
/// The same of one that learns from the sample itself: vst, or its own ways with the noise. UsageError for the others.
std::unique_ptr<SampleDenoiser> estimating_denoiser(std::unique_ptr<SampleDenoiser> self, const OptionValues& options);

Estimator tweedie_estimator();
Estimator corrected_estimator();
Estimator exact_estimator();
Estimator lmmse_estimator();
Estimator vst_estimator();

/// A map made for one sample. With `beside`, of the sample's shape, a map of patches is given vectors of twice the
/// model's dimension: the patch and that of `beside` at the same place.
struct PreparedMap {
  std::unique_ptr<VectorMap> map;  ///< nullptr: as if the noise were white and Gaussian
  std::optional<Tensor> beside;
};

/// An estimator whose estimate is a map of each vector of the model, of overlapping patches the average.
class MapEstimator : public FamilyDenoiser {
 public:
  explicit MapEstimator(std::shared_ptr<const Model> model)
      : FamilyDenoiser(model_denoiser(model)), model_(std::move(model)) {}

 protected:
  void produce_one(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) override;
  virtual PreparedMap map_of(const Tensor& sample, const KnownNoise& noise) const = 0;
  const Model& model() const { return *model_; }
  const std::shared_ptr<const Model>& shared_model() const { return model_; }

 private:
  std::shared_ptr<const Model> model_;
};

}  // namespace noiseutils

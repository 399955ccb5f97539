#include <algorithm>
#include <cmath>

#include "denoise/estimator.hpp"
#include "denoise/level_map.hpp"
#include "denoise/linear_lmmse.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostElements = 2048;  // of a whole sample, with d^2 numbers and d^3 operations

double least_clean(const KnownNoise& noise) {
  double least = -HUGE_VAL;
  for (const auto& law : noise.laws) least = std::max(least, law->lowest_clean_value());
  return least;
}

/// Linear models: the linear estimate of least mean squared error, with the variance that the noise of each element has
/// on average over the law, scaled to the mean variance of the sample. Laws of patches that are not linear, mixtures:
/// the posterior mean as under white Gaussian noise of the variance at the patch's mean.
class LmmseEstimator : public MapEstimator {
 public:
  using MapEstimator::MapEstimator;

 protected:
  std::unique_ptr<VectorMap> map_of(const Tensor& sample, const KnownNoise& noise) const override {
    if (!(noise.sigma > 0)) return nullptr;
    const double least = least_clean(noise);
    const auto variance = [noise, least](double x) { return noise.variance_at(std::max(least, x)); };
    const LinearModel* linear = model().linear();
    if (linear == nullptr) return model().info().patch > 0 ? by_level(sample, noise, variance) : nullptr;
    if (linear->dim() > kMostElements || model().info().kind == "stationary") return nullptr;
    std::vector<double> variances = expected_variances(*linear, least, variance);
    double sum = 0;
    for (const double v : variances) sum += v;
    if (!(sum > 0)) return nullptr;
    const double scale = noise.sigma * noise.sigma * static_cast<double>(variances.size()) / sum;
    for (double& v : variances) v *= scale;
    return linear_lmmse(*linear, variances);
  }

 private:
  std::unique_ptr<VectorMap> by_level(const Tensor& sample, const KnownNoise& noise,
                                      const std::function<double(double)>& variance) const {
    const Tensor values = sample.converted(DType::F64);
    const auto [low, high] = std::minmax_element(values.values<double>().begin(), values.values<double>().end());
    const double most = std::max({variance(*low), variance(*high), noise.sigma * noise.sigma});
    const double least = std::clamp(std::min(variance(*low), variance(*high)), 1e-4 * most, most);
    return level_map(shared_model(), model().dim(), least, most, [variance](std::span<const double> patch) {
      double sum = 0;
      for (const double y : patch) sum += y;
      return variance(sum / static_cast<double>(patch.size()));
    });
  }
};

}  // namespace

Estimator lmmse_estimator() {
  return {"lmmse", "the linear estimate, component by component, with the noise's own variance",
          [](std::shared_ptr<const Model> model) -> std::unique_ptr<SampleDenoiser> {
            return std::make_unique<LmmseEstimator>(std::move(model));
          }};
}

}  // namespace noiseutils

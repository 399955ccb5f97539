#include <algorithm>
#include <cmath>

#include "denoise/estimator.hpp"
#include "denoise/level_map.hpp"
#include "denoise/linear_lmmse.hpp"
#include "denoise/mixture_lmmse.hpp"
#include "model/stationary.hpp"
#include "noise/noise_field.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostElements = 2048;  // of a whole sample, with d^2 numbers and d^3 operations

double least_clean(const KnownNoise& noise) {
  double least = -HUGE_VAL;
  for (const auto& law : noise.laws) least = std::max(least, law->lowest_clean_value());
  return least;
}

bool is_dense(const LinearModel* linear) {
  return linear != nullptr && linear->info().kind != "stationary" && linear->dim() <= kMostElements;
}

/// The linear estimate of least mean squared error, of mixtures component by component, with what is known of the
/// noise.
///   correlated       the covariance of the noise between the elements; stationary models P / (P + S) at each frequency
///   from a map       whole samples the variance of each element; patches the posterior mean as under white Gaussian
///                    noise of the mean variance within the patch
///   of the signal    linear models the variance that each element has on average over the law, scaled to the mean
///                    variance of the sample; mixtures as under white Gaussian noise of the variance at the patch's
///                    mean
class LmmseEstimator : public MapEstimator {
 public:
  using MapEstimator::MapEstimator;

 protected:
  PreparedMap map_of(const Tensor& sample, const KnownNoise& noise) const override {
    if (!(noise.sigma > 0)) return {};
    const std::string& letters = axes();
    if (letters.ends_with("HW") || letters == "D") {
      const std::int64_t height = letters == "D" ? 1 : shape()[shape().size() - 2];
      if (const auto spectrum = noise_spectrum(noise, height, shape().back()))
        return {correlated(*spectrum, height), {}};
    }
    const std::vector<double> variances = element_variances(noise, sample.size());
    if (!variances.empty()) return mapped(variances);
    return {signal_dependent(sample, noise), {}};
  }

 private:
  std::unique_ptr<VectorMap> correlated(const std::vector<double>& spectrum, std::int64_t height) const {
    const LinearModel* linear = model().linear();
    const std::int64_t width = shape().back(), patch = model().info().patch;
    const std::int64_t planes = element_count(shape()) / (height * width);
    if (linear != nullptr && linear->info().kind == "stationary") {
      const std::vector<double> noise = by_coefficient(spectral_shape(axes(), shape()), spectrum);
      Gains gains;
      for (std::size_t i = 0; i < noise.size(); ++i) {
        const double power = linear->eigenvalues()[i];
        gains.coefficients.push_back(power > 0 ? power / (power + noise[i]) : 0);
      }
      return linear->gain_map(gains, MeanUse::affine, 1);
    }
    const bool whole = patch == 0;
    const auto covariance_of_noise = [&] {
      return block_covariance(spectrum, height, width, planes, whole ? height : patch, whole ? width : patch);
    };
    if (is_dense(linear)) return linear_lmmse(*linear, covariance_of_noise());
    const auto mixture = std::dynamic_pointer_cast<const MixtureModel>(shared_model());
    if (!mixture || mixture->dim() > kMostElements) return nullptr;
    const std::vector<double> covariance = covariance_of_noise();
    return mixture_lmmse(mixture, [&](std::int64_t) { return covariance; });
  }

  PreparedMap mapped(const std::vector<double>& variances) const {
    const LinearModel* linear = model().linear();
    if (model().info().patch == 0) return {is_dense(linear) ? linear_lmmse(*linear, variances) : nullptr, {}};
    const auto [low, high] = std::minmax_element(variances.begin(), variances.end());
    const std::int64_t d = model().dim();
    const double least = std::max(*low, 1e-6 * *high);
    auto map = level_map(shared_model(), 2 * d, least, *high, [](std::span<const double> vector) {
      double sum = 0;  // the second half of the vector are the variances
      for (std::size_t i = vector.size() / 2; i < vector.size(); ++i) sum += vector[i];
      return sum / static_cast<double>(vector.size() / 2);
    });
    return {std::move(map), Tensor::of(shape(), variances)};
  }

  std::unique_ptr<VectorMap> signal_dependent(const Tensor& sample, const KnownNoise& noise) const {
    const double least = least_clean(noise);
    const auto variance = [noise, least](double x) { return noise.variance_at(std::max(least, x)); };
    const LinearModel* linear = model().linear();
    if (linear == nullptr) return model().info().patch > 0 ? by_level(sample, noise, variance) : nullptr;
    if (!is_dense(linear)) return nullptr;
    std::vector<double> variances = expected_variances(*linear, least, variance);
    double sum = 0;
    for (const double v : variances) sum += v;
    if (!(sum > 0)) return nullptr;
    const double scale = noise.sigma * noise.sigma * static_cast<double>(variances.size()) / sum;
    for (double& v : variances) v *= scale;
    return linear_lmmse(*linear, variances);
  }

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
  return {"lmmse", "the linear estimate, component by component, with the noise's own variances and correlations",
          [](std::shared_ptr<const Model> model) -> std::unique_ptr<SampleDenoiser> {
            return std::make_unique<LmmseEstimator>(std::move(model));
          }};
}

}  // namespace noiseutils

#include <cmath>
#include <numbers>

#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = x + sigma n, n standard normal.
class GaussianNoise : public Noise {
 public:
  explicit GaussianNoise(double sigma) : sigma_(sigma) {}
  std::string family() const override { return "gaussian"; }
  NoiseParameters parameters() const override { return {{"sigma", sigma_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    add_normal(key.stream(Purpose::noise), first, x, static_cast<float>(sigma_), y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    add_normal(key.stream(Purpose::noise), first, x, sigma_, y);
  }
  VarianceLaw variance() const override { return {sigma_ * sigma_, 0, 0}; }
  double log_likelihood(double y, double x) const override {
    const double z = (y - x) / sigma_;
    return -0.5 * z * z - portable::log(sigma_) - 0.5 * portable::log(2 * std::numbers::pi);
  }

 private:
  double sigma_;
};

}  // namespace

NoiseFamily gaussian_noise() {
  return {"gaussian",
          "y = x + sigma n, white Gaussian noise",
          {number("sigma", "S", "standard deviation, in units of data").above(0).at_most(1e30)},
          [](const NoiseParameters& given) -> std::unique_ptr<Noise> {
            return std::make_unique<GaussianNoise>(require_parameter(given, "sigma"));
          }};
}

}  // namespace noiseutils

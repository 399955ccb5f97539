#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "noise/families.hpp"
#include "noise/mapped.hpp"
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
  return {
      "gaussian",
      "y = x + sigma n, white Gaussian noise",
      {number_or_range("sigma", "S|A:B", "standard deviation, in units of data; A:B: each sample has its own")
           .above(0)
           .at_most(1e30),
       file("sigma-map", "FILE", "standard deviation of every element of a sample or of its last axes, not --sigma"),
       map_option()},
      [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
        if (!given.maps.contains("sigma-map"))
          return with_map(std::make_unique<GaussianNoise>(require_parameter(given.numbers, "sigma")), given, "map");
        if (given.numbers.contains("sigma") || given.maps.contains("map"))
          throw UsageError("--sigma-map gives the standard deviations: --sigma and --map do not go with it");
        return with_map(std::make_unique<GaussianNoise>(1), given, "sigma-map", "sigma");
      }};
}

}  // namespace noiseutils

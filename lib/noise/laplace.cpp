#include <cmath>
#include <numbers>

#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/mapped.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = x + n, n of density exp(-|n| / b) / (2 b) with b = sigma / sqrt(2); variance sigma^2.
class LaplaceNoise : public DoubleNoise {
 public:
  explicit LaplaceNoise(double sigma) : sigma_(sigma), scale_(sigma / std::numbers::sqrt2) {}
  std::string family() const override { return "laplace"; }
  NoiseParameters parameters() const override { return {{"sigma", sigma_}}; }
  VarianceLaw variance() const override { return {sigma_ * sigma_, 0, 0}; }
  double log_likelihood(double y, double x) const override {
    return -std::abs(y - x) / scale_ - portable::log(2 * scale_);
  }

 protected:
  /// By inversion: n = b log(2 u) below the median, -b log(2 (1 - u)) above.
  void draw_piece(const NoiseKey& key, std::uint64_t first, std::span<const double> x,
                  std::span<double> y) const override {
    fill_uniform(key.stream(Purpose::noise), first, y);
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = x[i] + (y[i] < 0.5 ? scale_ * portable::log(2 * y[i]) : -scale_ * portable::log(2 * (1 - y[i])));
  }

 private:
  double sigma_, scale_;
};

}  // namespace

NoiseFamily laplace_noise() {
  return {"laplace",
          "y = x + Laplace noise, with heavier tails than gaussian",
          {number_or_range("sigma", "S|A:B", "standard deviation, in units of data; A:B: each sample has its own")
               .above(0)
               .at_most(1e30),
           map_option()},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            return with_map(std::make_unique<LaplaceNoise>(require_parameter(given.numbers, "sigma")), given, "map");
          }};
}

}  // namespace noiseutils

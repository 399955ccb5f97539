#include <cmath>
#include <limits>

#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = x g / k with g ~ Gamma(k, 1): multiplicative speckle of k looks, E[y|x] = x, Var(y|x) = x^2 / k.
class GammaNoise : public Noise {
 public:
  explicit GammaNoise(double looks) : looks_(looks) {}
  std::string family() const override { return "gamma"; }
  NoiseParameters parameters() const override { return {{"looks", looks_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    draw_speckle(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    draw_speckle(key, first, x, y);
  }
  VarianceLaw variance() const override { return {0, 0, 1 / looks_}; }
  double log_likelihood(double y, double x) const override {
    if (x == 0) return y == 0 ? 0 : -std::numeric_limits<double>::infinity();
    if (y < 0 || (y == 0 && looks_ != 1)) return -std::numeric_limits<double>::infinity();
    const double k = looks_;
    return k * portable::log(k / x) + (k == 1 ? 0 : (k - 1) * portable::log(y)) - k * y / x - portable::lgamma(k);
  }
  double lowest_clean_value() const override { return 0; }

 private:
  template <class Real>
  void draw_speckle(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    std::array<double, 512> shape;
    shape.fill(looks_);
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      fill_gamma(key.stream(Purpose::noise), e, {shape.data(), clean.size()}, noisy);
      for (std::size_t i = 0; i < clean.size(); ++i) noisy[i] *= clean[i] / looks_;
    });
  }
  double looks_;
};

}  // namespace

NoiseFamily gamma_noise() {
  return {"gamma",
          "y = x Gamma(k, 1/k), multiplicative speckle",
          {number("looks", "K", "number of looks k; the relative variance is 1/k").at_least(1e-3).at_most(1e6)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            return std::make_unique<GammaNoise>(require_parameter(given.numbers, "looks"));
          }};
}

}  // namespace noiseutils

#include <cmath>
#include <limits>

#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/mapped.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = x + width (u - 1/2), u uniform on (0, 1); variance width^2 / 12.
class UniformNoise : public Noise {
 public:
  explicit UniformNoise(double width) : width_(width) {}
  std::string family() const override { return "uniform"; }
  NoiseParameters parameters() const override { return {{"width", width_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    draw_shift(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    draw_shift(key, first, x, y);
  }
  VarianceLaw variance() const override { return {width_ * width_ / 12, 0, 0}; }
  double log_likelihood(double y, double x) const override {
    return std::abs(y - x) <= width_ / 2 ? -portable::log(width_) : -std::numeric_limits<double>::infinity();
  }

 private:
  template <class Real>
  void draw_shift(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      fill_uniform(key.stream(Purpose::noise), e, noisy);
      for (std::size_t i = 0; i < clean.size(); ++i) noisy[i] = clean[i] + width_ * (noisy[i] - 0.5);
    });
  }
  double width_;
};

}  // namespace

NoiseFamily uniform_noise() {
  return {"uniform",
          "y = x + uniform noise on (-width/2, width/2)",
          {number("width", "W", "full width of the interval, in units of data").above(0).at_most(1e30), map_option()},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            return with_map(std::make_unique<UniformNoise>(require_parameter(given.numbers, "width")), given, "map");
          }};
}

}  // namespace noiseutils

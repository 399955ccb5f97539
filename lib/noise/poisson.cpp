#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = zeta Poisson(x / zeta): counts of photons that are worth zeta units each.
class PoissonNoise : public Noise {
 public:
  explicit PoissonNoise(double zeta) : zeta_(zeta) {}
  std::string family() const override { return "poisson"; }
  NoiseParameters parameters() const override { return {{"zeta", zeta_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    draw_counts(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    draw_counts(key, first, x, y);
  }
  VarianceLaw variance() const override { return {0, zeta_, 0}; }
  /// log of the probability of the count y / zeta.
  double log_likelihood(double y, double x) const override {
    const double count = std::round(y / zeta_), mean = x / zeta_;
    if (count < 0 || std::abs(count * zeta_ - y) > 1e-6 * std::max(zeta_, y))
      return -std::numeric_limits<double>::infinity();
    if (mean == 0) return count == 0 ? 0 : -std::numeric_limits<double>::infinity();
    return count * portable::log(mean) - mean - portable::lgamma(count + 1);
  }
  double lowest_clean_value() const override { return 0; }

 private:
  template <class Real>
  void draw_counts(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      std::array<double, 512> mean;
      for (std::size_t i = 0; i < clean.size(); ++i) mean[i] = clean[i] / zeta_;
      fill_poisson(key.stream(Purpose::noise), e, {mean.data(), clean.size()}, noisy);
      for (double& value : noisy) value *= zeta_;
    });
  }
  double zeta_;
};

}  // namespace

NoiseFamily poisson_noise() {
  return {"poisson",
          "y = zeta Poisson(x / zeta), photon counts; zeta = 1 / peak",
          {number("peak", "P", "mean count where x is 1").above(0).at_most(1e9),
           number("zeta", "Z", "units of data for one count; instead of --peak").above(0).at_most(1e30)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            if (given.numbers.contains("peak") == given.numbers.contains("zeta"))
              throw UsageError("poisson needs --peak or --zeta, and not both");
            return std::make_unique<PoissonNoise>(given.numbers.contains("zeta")
                                                      ? given.numbers.find("zeta")->second
                                                      : 1 / require_parameter(given.numbers, "peak"));
          }};
}

}  // namespace noiseutils

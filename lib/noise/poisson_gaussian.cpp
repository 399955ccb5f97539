#include <cmath>
#include <numbers>

#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = gain Poisson(x / gain) + read n: shot noise and read noise of a camera (Foi et al., IEEE TIP 2008, eq. 1).
class PoissonGaussianNoise : public Noise {
 public:
  PoissonGaussianNoise(double gain, double read) : gain_(gain), read_(read) {}
  std::string family() const override { return "poisson-gaussian"; }
  NoiseParameters parameters() const override { return {{"gain", gain_}, {"read", read_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    draw_both(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    draw_both(key, first, x, y);
  }
  VarianceLaw variance() const override { return {read_ * read_, gain_, 0}; }
  /// log sum_n Poisson(n; x/gain) N(y; gain n, read^2), over the counts within 12 standard deviations of both factors.
  double log_likelihood(double y, double x) const override {
    const double mean = x / gain_;
    const double spread = 12 * std::sqrt(mean + 1) + 12 * (read_ / gain_ + 1);
    const double from = std::floor(std::max(0.0, std::min(mean, y / gain_) - spread));
    const double to = std::ceil(std::max(mean, y / gain_) + spread);
    double largest = -HUGE_VAL, sum = 0;
    for (double n = from; n <= to; ++n) {
      const double z = (y - gain_ * n) / read_;
      const double poisson =
          mean > 0 ? n * portable::log(mean) - mean - portable::lgamma(n + 1) : (n == 0 ? 0 : -HUGE_VAL);
      const double term = poisson - 0.5 * z * z;
      if (term > largest) {
        sum = sum * portable::exp(largest - term) + 1;
        largest = term;
      } else {
        sum += portable::exp(term - largest);
      }
    }
    return largest + portable::log(sum) - portable::log(read_) - 0.5 * portable::log(2 * std::numbers::pi);
  }
  double lowest_clean_value() const override { return 0; }

 private:
  template <class Real>
  void draw_both(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      std::array<double, 512> mean;
      for (std::size_t i = 0; i < clean.size(); ++i) mean[i] = clean[i] / gain_;
      fill_poisson(key.stream(Purpose::noise), e, {mean.data(), clean.size()}, noisy);
      for (double& value : noisy) value *= gain_;
      add_normal(key.stream(Purpose::noise_aux), e, std::span<const double>(noisy), read_, noisy);
    });
  }
  double gain_, read_;
};

}  // namespace

NoiseFamily poisson_gaussian_noise() {
  return {"poisson-gaussian",
          "y = gain Poisson(x / gain) + read n, a camera's shot and read noise",
          {number("gain", "G", "units of data for one electron").above(0).at_most(1e30),
           number("read", "S", "standard deviation of the read noise, in units of data").above(0).at_most(1e30)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            return std::make_unique<PoissonGaussianNoise>(require_parameter(given.numbers, "gain"),
                                                          require_parameter(given.numbers, "read"));
          }};
}

}  // namespace noiseutils

#include <cmath>
#include <numbers>

#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = o + gain Poisson((x - o) / gain) + read n: shot noise and read noise of a camera whose values at no light are o,
/// the offset (Foi et al., IEEE TIP 2008, eq. 1, for o = 0). E[y | x] = x.
class PoissonGaussianNoise : public Noise {
 public:
  PoissonGaussianNoise(double gain, double read, double offset) : gain_(gain), read_(read), offset_(offset) {}
  std::string family() const override { return "poisson-gaussian"; }
  NoiseParameters parameters() const override {
    NoiseParameters all{{"gain", gain_}, {"read", read_}};
    if (offset_ != 0) all["offset"] = offset_;
    return all;
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    draw_both(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    draw_both(key, first, x, y);
  }
  VarianceLaw variance() const override { return {read_ * read_ - gain_ * offset_, gain_, 0}; }
  /// log sum_n Poisson(n; (x-o)/gain) N(y; o + gain n, read^2), over the counts within 12 standard deviations of both
  /// factors; without read noise the mass of the count that y is, -infinity if it is none.
  double log_likelihood(double noisy, double clean) const override {
    const double y = noisy - offset_, mean = (clean - offset_) / gain_;
    if (read_ == 0) return log_mass(y / gain_, mean);
    const double spread = 12 * std::sqrt(mean + 1) + 12 * (read_ / gain_ + 1);
    const double from = std::floor(std::max(0.0, std::min(mean, y / gain_) - spread));
    const double to = std::ceil(std::max(mean, y / gain_) + spread);
    double largest = -HUGE_VAL, sum = 0;
    for (double n = from; n <= to; ++n) {
      const double z = (y - gain_ * n) / read_;
      const double term = log_poisson(n, mean) - 0.5 * z * z;
      if (term > largest) {
        sum = sum * portable::exp(largest - term) + 1;
        largest = term;
      } else {
        sum += portable::exp(term - largest);
      }
    }
    return largest + portable::log(sum) - portable::log(read_) - 0.5 * portable::log(2 * std::numbers::pi);
  }
  double lowest_clean_value() const override { return offset_; }

 private:
  static double log_poisson(double n, double mean) {
    return mean > 0 ? n * portable::log(mean) - mean - portable::lgamma(n + 1) : (n == 0 ? 0 : -HUGE_VAL);
  }
  static double log_mass(double count, double mean) {
    constexpr double kRounding = 1e-6;  // of values that were written as floats
    const double n = std::round(count);
    return n < 0 || std::abs(count - n) > kRounding * std::max(1.0, n) ? -HUGE_VAL : log_poisson(n, mean);
  }
  template <class Real>
  void draw_both(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      std::array<double, 512> mean;
      for (std::size_t i = 0; i < clean.size(); ++i) mean[i] = (clean[i] - offset_) / gain_;
      fill_poisson(key.stream(Purpose::noise), e, {mean.data(), clean.size()}, noisy);
      for (double& value : noisy) value = offset_ + gain_ * value;
      add_normal(key.stream(Purpose::noise_aux), e, std::span<const double>(noisy), read_, noisy);
    });
  }
  double gain_, read_, offset_;
};

}  // namespace

NoiseFamily poisson_gaussian_noise() {
  return {"poisson-gaussian",
          "y = o + gain Poisson((x - o) / gain) + read n, a camera's shot and read noise",
          {number("gain", "G", "units of data for one electron").above(0).at_most(1e30),
           number("read", "S", "standard deviation of the read noise, in units of data").at_least(0).at_most(1e30),
           number("offset", "O", "value at no light, in units of data; default: 0").at_least(-1e30).at_most(1e30)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            const auto offset = given.numbers.find("offset");
            return std::make_unique<PoissonGaussianNoise>(require_parameter(given.numbers, "gain"),
                                                          require_parameter(given.numbers, "read"),
                                                          offset == given.numbers.end() ? 0 : offset->second);
          }};
}

}  // namespace noiseutils

#include <cmath>
#include <limits>
#include <numbers>

#include "noise/bessel.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = |x + sigma (n1 + i n2)|, the magnitude of a complex signal, as MRI shows it. E[y | x] > x: with r = x / sigma,
///   E[y | x]   = sigma sqrt(pi / 2) ((1 + r^2 / 2) i0(r^2 / 4) + r^2 / 2 i1(r^2 / 4)),   i(z) = e^-z I(z),
///   E[y^2 | x] = x^2 + 2 sigma^2.
/// Source: Gudbjartsson, Patz, "The Rician distribution of noisy MRI data", Magnetic Resonance in Medicine 34 (1995).
class RicianNoise : public DoubleNoise {
 public:
  explicit RicianNoise(double sigma) : sigma_(sigma) {}
  std::string family() const override { return "rician"; }
  NoiseParameters parameters() const override { return {{"sigma", sigma_}}; }
  double mean_at(double x) const override {
    const double half = 0.5 * (x / sigma_) * (x / sigma_);
    return sigma_ * std::sqrt(0.5 * std::numbers::pi) *
           ((1 + half) * scaled_bessel_i0(0.5 * half) + half * scaled_bessel_i1(0.5 * half));
  }
  double variance_at(double x) const override {
    const double square = (x / sigma_) * (x / sigma_);
    // Beyond, the difference of squares would cancel; the expansion in 1 / r^2 has its error below 1e-11.
    if (square > 1e4) return sigma_ * sigma_ * (1 - 0.5 / square - 0.5 / (square * square));
    const double mean = mean_at(x);
    return 2 * sigma_ * sigma_ + x * x - mean * mean;
  }
  double log_likelihood(double y, double x) const override {
    if (y <= 0) return -std::numeric_limits<double>::infinity();
    const double a = y / sigma_, r = x / sigma_;
    return portable::log(a / sigma_) - 0.5 * (a - r) * (a - r) + portable::log(scaled_bessel_i0(a * r));
  }
  double lowest_clean_value() const override { return 0; }

 protected:
  void draw_piece(const NoiseKey& key, std::uint64_t first, std::span<const double> x,
                  std::span<double> y) const override {
    std::array<double, kPiece> imaginary;
    const std::span<double> other(imaginary.data(), x.size());
    add_normal(key.stream(Purpose::noise), first, x, sigma_, y);
    fill_normal(key.stream(Purpose::noise_aux), first, other);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double im = sigma_ * other[i];
      y[i] = std::sqrt(y[i] * y[i] + im * im);
    }
  }

 private:
  double sigma_;
};

}  // namespace

NoiseFamily rician_noise() {
  return {"rician",
          "y = |x + sigma (n1 + i n2)|, magnitude images of MRI; biased: E[y|x] > x",
          {number_or_range("sigma", "S|A:B", "standard deviation, in units of data; A:B: each sample has its own")
               .above(0)
               .at_most(1e30)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            return std::make_unique<RicianNoise>(require_parameter(given.numbers, "sigma"));
          }};
}

}  // namespace noiseutils

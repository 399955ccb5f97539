#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/inverse_gaussian.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// The exponential dispersion model with E[y | x] = x, Var(y | x) = phi x^p.
/// 1 < p < 2: y is a sum of N gamma variates, N ~ Poisson(lambda), lambda = x^(2-p) / (phi (2-p)), of shape
/// a = (2-p) / (p-1) and scale s = phi (p-1) x^(p-1): 0 with probability exp(-lambda), else of a density.
/// Source: Jorgensen, "The Theory of Dispersion Models" (1997), chapter 4.
class TweedieNoise : public DoubleNoise {
 public:
  TweedieNoise(double power, double dispersion) : p_(power), phi_(dispersion) {}
  std::string family() const override { return "tweedie"; }
  NoiseParameters parameters() const override { return {{"power", p_}, {"dispersion", phi_}}; }
  VarianceLaw variance() const override {
    if (p_ == 0) return {phi_, 0, 0};
    if (p_ == 1) return {0, phi_, 0};
    if (p_ == 2) return {0, 0, phi_};
    throw DataError("the noise is tweedie of power " + format_number(p_) +
                    ": its variance is no quadratic function of the clean value");
  }
  double variance_at(double x) const override { return phi_ * portable::pow(x, p_); }
  double log_likelihood(double y, double x) const override {
    return p_ == 3 ? inverse_gaussian_log_density(y, x, phi_) : compound_log_likelihood(y, x);
  }
  double lowest_clean_value() const override { return 0; }

 protected:
  void draw_piece(const NoiseKey& key, std::uint64_t first, std::span<const double> x,
                  std::span<double> y) const override {
    if (p_ == 3) return draw_inverse_gaussian(key, first, phi_, x, y);
    std::array<double, kPiece> mean, shape;
    for (std::size_t i = 0; i < x.size(); ++i) mean[i] = rate(x[i]);
    fill_poisson(key.stream(Purpose::noise), first, {mean.data(), x.size()}, y);
    for (std::size_t i = 0; i < x.size(); ++i) shape[i] = y[i] > 0 ? y[i] * gamma_shape() : 1;
    std::array<double, kPiece> sum;
    fill_gamma(key.stream(Purpose::noise_aux), first, {shape.data(), x.size()}, {sum.data(), x.size()});
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = y[i] > 0 ? sum[i] * scale(x[i]) : 0;
  }

 private:
  double rate(double x) const { return portable::pow(x, 2 - p_) / (phi_ * (2 - p_)); }
  double gamma_shape() const { return (2 - p_) / (p_ - 1); }
  double scale(double x) const { return phi_ * (p_ - 1) * portable::pow(x, p_ - 1); }

  /// log of exp(-lambda) at 0, else of sum_n Poisson(n; lambda) Gamma(y; n a, s): the series of Dunn and Smyth,
  /// Statistics and Computing 15 (2005), summed from its largest term, n = y^(2-p) / (phi (2-p)), both ways until terms
  /// are below 1e-17 of that.
  double compound_log_likelihood(double y, double x) const {
    if (y < 0) return -std::numeric_limits<double>::infinity();
    if (x == 0) return y == 0 ? 0 : -std::numeric_limits<double>::infinity();
    const double lambda = rate(x), s = scale(x), a = gamma_shape();
    if (y == 0) return -lambda;
    const double log_ratio = portable::log(lambda) + a * portable::log(y / s);
    const auto term = [&](double n) { return n * log_ratio - portable::lgamma(n + 1) - portable::lgamma(n * a); };
    const double from = std::max(1.0, std::round(rate(y)));
    const double largest = term(from);
    double sum = 1;
    for (double n = from + 1;; n += 1) {
      const double t = term(n) - largest;
      sum += portable::exp(t);
      if (t < -40) break;
    }
    for (double n = from - 1; n >= 1; n -= 1) {
      const double t = term(n) - largest;
      sum += portable::exp(t);
      if (t < -40) break;
    }
    return largest + portable::log(sum) - lambda - y / s - portable::log(y);
  }
  double p_, phi_;
};

/// Powers 0, 1 and 2 are laws that have names of their own; only what the metadata say differs.
class NamedTweedieNoise : public Noise {
 public:
  NamedTweedieNoise(double power, double dispersion, std::unique_ptr<Noise> law)
      : p_(power), phi_(dispersion), law_(std::move(law)) {}
  std::string family() const override { return "tweedie"; }
  NoiseParameters parameters() const override { return {{"power", p_}, {"dispersion", phi_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    law_->draw(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    law_->draw(key, first, x, y);
  }
  VarianceLaw variance() const override { return law_->variance(); }
  double log_likelihood(double y, double x) const override { return law_->log_likelihood(y, x); }
  double lowest_clean_value() const override { return law_->lowest_clean_value(); }

 private:
  double p_, phi_;
  std::unique_ptr<Noise> law_;
};

std::unique_ptr<Noise> make_tweedie(const NoiseSettings& given) {
  const double p = require_parameter(given.numbers, "power"), phi = require_parameter(given.numbers, "dispersion");
  const auto named = [&](const NoiseFamily& family, const char* parameter, double value) {
    return std::make_unique<NamedTweedieNoise>(p, phi, family.make({{{parameter, value}}, {}, {}}));
  };
  if (p == 0) return named(gaussian_noise(), "sigma", std::sqrt(phi));
  if (p == 1) return named(poisson_noise(), "zeta", phi);
  if (p == 2) return named(gamma_noise(), "looks", 1 / phi);
  // Nearer to 1 and 2 the gamma variates have shapes that the generator is not made for.
  if (p != 3 && (p < 1.001 || p > 1.998))
    throw UsageError("--power " + format_number(p) + " is none of 0, 1, 2, 3, nor between 1.001 and 1.998");
  return std::make_unique<TweedieNoise>(p, phi);
}

}  // namespace

NoiseFamily tweedie_noise() {
  return {"tweedie",
          "variance phi x^p: compound Poisson-gamma for 1 < p < 2, inverse Gaussian for p = 3",
          {number("power", "P", "power of the mean: 0, 1, 2, 3, or between 1.001 and 1.998").at_least(0).at_most(3),
           number_or_range("dispersion", "PHI|A:B", "variance where x is 1; A:B: each sample has its own")
               .at_least(1e-6)
               .at_most(1e3)},
          make_tweedie};
}

}  // namespace noiseutils

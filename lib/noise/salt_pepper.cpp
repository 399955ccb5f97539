#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// Impulses: y = high with probability amount salt, low with probability amount (1 - salt), else x.
/// E[y | x] = (1 - amount) x + amount (salt high + (1 - salt) low), not x.
class SaltPepperNoise : public DoubleNoise {
 public:
  SaltPepperNoise(double amount, double salt, double low, double high)
      : amount_(amount), salt_(salt), low_(low), high_(high) {}
  std::string family() const override { return "salt-pepper"; }
  NoiseParameters parameters() const override {
    return {{"amount", amount_}, {"salt", salt_}, {"low", low_}, {"high", high_}};
  }
  double mean_at(double x) const override { return (1 - amount_) * x + salt_part() * high_ + pepper_part() * low_; }
  double variance_at(double x) const override {
    const double mean = mean_at(x);
    const auto square = [mean](double value) { return (value - mean) * (value - mean); };
    return (1 - amount_) * square(x) + salt_part() * square(high_) + pepper_part() * square(low_);
  }
  /// log of a probability mass: y is one of x, low, high.
  double log_likelihood(double y, double x) const override {
    double mass = 0;
    if (y == x) mass += 1 - amount_;
    if (y == high_) mass += salt_part();
    if (y == low_) mass += pepper_part();
    return mass > 0 ? portable::log(mass) : -std::numeric_limits<double>::infinity();
  }

 protected:
  void draw_piece(const NoiseKey& key, std::uint64_t first, std::span<const double> x,
                  std::span<double> y) const override {
    fill_uniform(key.stream(Purpose::noise), first, y);
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = y[i] < pepper_part() ? low_ : y[i] < amount_ ? high_ : x[i];
  }

 private:
  double salt_part() const { return amount_ * salt_; }
  double pepper_part() const { return amount_ * (1 - salt_); }
  double amount_, salt_, low_, high_;
};

}  // namespace

NoiseFamily salt_pepper_noise() {
  return {"salt-pepper",
          "elements replaced by the lowest or highest value; biased: E[y|x] is not x",
          {number_or_range("amount", "P|A:B", "share of the elements that are replaced; A:B: each sample has its own")
               .above(0)
               .at_most(1),
           number("salt", "F", "share of the replaced that become high").otherwise("0.5").at_least(0).at_most(1),
           number("low", "V", "value of pepper, in units of data").otherwise("0").at_least(-1e30).at_most(1e30),
           number("high", "V", "value of salt, in units of data").otherwise("1").at_least(-1e30).at_most(1e30)},
          [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
            const double low = require_parameter(given.numbers, "low"), high = require_parameter(given.numbers, "high");
            if (low >= high) throw UsageError("--low must be below --high");
            return std::make_unique<SaltPepperNoise>(require_parameter(given.numbers, "amount"),
                                                     require_parameter(given.numbers, "salt"), low, high);
          }};
}

}  // namespace noiseutils

#include "denoise/stabiliser.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "estimate/anscombe.hpp"

namespace noiseutils {
namespace {

class AnscombeStabiliser : public Stabiliser {
 public:
  AnscombeStabiliser(double gain, double read, double offset) : noise_{gain, read, offset}, inverse_(noise_) {}
  double transformed(double y) const override { return anscombe(y, noise_); }
  double inverse(double d) const override { return inverse_(d); }

 private:
  CameraNoise noise_;
  ExactInverseAnscombe inverse_;
};

class PowerStabiliser : public Stabiliser {
 public:
  PowerStabiliser(std::shared_ptr<const Noise> law, double power, double phi, double c, double largest)
      : law_(std::move(law)), power_(power), phi_(phi), c_(c) {
    constexpr int kPoints = 1024;
    for (int i = 0; i < kPoints; ++i) {
      const double root = static_cast<double>(i) / (kPoints - 1);
      clean_.push_back(largest * root * root);
      values_.push_back(expected(clean_.back()));
    }
  }

  double transformed(double y) const override {
    const double q = 1 - power_ / 2, ratio = std::log1p(std::max(0.0, y) / c_);
    return (q == 0 ? ratio : std::pow(c_, q) * std::expm1(q * ratio) / q) / std::sqrt(phi_);
  }

  double inverse(double d) const override {
    if (d <= values_.front()) return 0;
    const auto above = std::upper_bound(values_.begin() + 1, values_.end() - 1, d) - values_.begin();
    const auto i = static_cast<std::size_t>(above) - 1;
    const double share = (d - values_[i]) / (values_[i + 1] - values_[i]);
    return clean_[i] + share * (clean_[i + 1] - clean_[i]);
  }

 private:
  double expected(double x) const {
    if (x == 0) return 0;
    if (phi_ * std::pow(x, power_ - 2) < 0.005) return by_expansion(x);
    return by_density(x);
  }

  /// f + f'' m2/2 + f''' m3/6 + f'''' m4/24 at x, m the central moments.
  double by_expansion(double x) const {
    const double p = power_, s = x + c_;
    const double m2 = phi_ * std::pow(x, p), m3 = p * phi_ * phi_ * std::pow(x, 2 * p - 1);
    const double m4 = p * (2 * p - 1) * phi_ * phi_ * phi_ * std::pow(x, 3 * p - 2) + 3 * m2 * m2;
    const double first = std::pow(s, -p / 2) / std::sqrt(phi_), second = -p / 2 * first / s;
    const double third = -(p / 2 + 1) * second / s, fourth = -(p / 2 + 2) * third / s;
    return transformed(x) + second * m2 / 2 + third * m3 / 6 + fourth * m4 / 24;
  }

  /// Sum of f(y) p(y) y du over u = log(y / x); what the sum lacks of 1, y too small to matter, has f = 0.
  double by_density(double x) const {
    const double deviation = std::sqrt(phi_ * std::pow(x, power_ - 2));
    // Powers near 1 have a density of narrow bumps, one for each number of gamma variates of shape (2 - p) / (p - 1).
    const double bump = power_ < 2 ? std::sqrt((power_ - 1) / (2 - power_)) : 1;
    const double step = 0.25 / (1 + 1 / std::min({deviation, bump, 1.0}));
    const double low = -45, high = 12 * std::min(deviation, 1.0) + 2;
    double sum = 0;
    for (double u = low; u < high; u += step) {
      const double y = x * std::exp(u), log_density = law_->log_likelihood(y, x);
      if (log_density > -700) sum += transformed(y) * std::exp(log_density) * y;
    }
    return sum * step;
  }

  std::shared_ptr<const Noise> law_;
  double power_, phi_, c_;
  std::vector<double> clean_, values_;  // x against E[f | x]
};

bool counts_before_gaussian(const KnownNoise& noise) {
  bool counts = false;
  for (const auto& law : noise.laws) {
    const std::string family = law->family();
    if (!law->maps().empty()) return false;
    if (!counts && (family == "poisson" || family == "poisson-gaussian"))
      counts = true;
    else if (!counts || family != "gaussian")
      return false;
  }
  return counts;
}

}  // namespace

std::unique_ptr<Stabiliser> anscombe_stabiliser(double gain, double read, double offset) {
  return std::make_unique<AnscombeStabiliser>(gain, read, offset);
}

std::unique_ptr<Stabiliser> power_stabiliser(std::shared_ptr<const Noise> law, double power, double phi, double c,
                                             double largest) {
  return std::make_unique<PowerStabiliser>(std::move(law), power, phi, c, largest);
}

std::unique_ptr<Stabiliser> stabiliser_of(const KnownNoise& noise, double mean, double largest) {
  if (noise.is_white_gaussian() || !(mean > 0)) return nullptr;
  if (counts_before_gaussian(noise)) {
    const VarianceLaw variance = noise.variance();
    const NoiseParameters parameters = noise.laws.front()->parameters();
    const double offset = parameters.contains("offset") ? parameters.at("offset") : 0;
    const double read_variance = variance.constant + variance.linear * offset;
    return anscombe_stabiliser(variance.linear, std::sqrt(std::max(0.0, read_variance)), offset);
  }
  constexpr double kGuard = 0.01;
  if (const Noise* gamma = noise.only("gamma"))
    return power_stabiliser(noise.laws.front(), 2, gamma->variance().quadratic, kGuard * mean, largest);
  if (const Noise* law = noise.only("tweedie")) {
    const NoiseParameters parameters = law->parameters();
    const double power = parameters.at("power"), phi = parameters.at("dispersion");
    if (power == 1) return anscombe_stabiliser(phi, 0);
    if (power > 1) return power_stabiliser(noise.laws.front(), power, phi, kGuard * mean, largest);
  }
  return nullptr;
}

}  // namespace noiseutils

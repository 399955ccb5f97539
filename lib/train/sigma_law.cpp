#include "train/sigma_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "linalg/gauss_legendre.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kNodes = 48;  // of the rule on either side of the centre

double normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }
double normal_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
/// Newton's steps from where the bound exp(-z^2 / 2) / 2 of the tail is reached, which lies outside. Below 0 the cdf is
/// convex: the first step crosses the root, and the others come back to it without crossing.
double normal_quantile(double u) {
  const double tail = std::min(u, 1 - u);
  double z = -std::sqrt(-2 * std::log(2 * tail));
  for (int i = 0; i < 60; ++i) {
    const double step = (normal_cdf(z) - tail) / normal_density(z);
    z -= step;
    if (std::abs(step) < 1e-15 * (1 + std::abs(z))) break;
  }
  return u < 0.5 ? z : -z;
}

double laplace_cdf(double z) { return z < 0 ? std::exp(z) / 2 : 1 - std::exp(-z) / 2; }
double laplace_density(double z) { return std::exp(-std::abs(z)) / 2; }
double laplace_quantile(double u) { return u < 0.5 ? std::log(2 * u) : -std::log(2 * (1 - u)); }

double cauchy_cdf(double z) { return 0.5 + std::atan(z) / std::numbers::pi; }
double cauchy_density(double z) { return 1 / (std::numbers::pi * (1 + z * z)); }
double cauchy_quantile(double u) { return std::tan(std::numbers::pi * (u - 0.5)); }

double uniform_cdf(double z) { return std::clamp(z, 0.0, 1.0); }
double uniform_density(double) { return 1; }  // asked within the range alone
double uniform_quantile(double u) { return u; }

SigmaLaw::Place by_log_sigma(const OptionValues& given, const SigmaRange&) {
  return {given.number("sigma-mean"), given.number("sigma-spread")};
}
/// The laws are symmetric: that of -2 log sigma tells that of log sigma.
SigmaLaw::Place by_log_snr(const OptionValues& given, const SigmaRange&) {
  return {-given.number("logsnr-mean") / 2, given.number("logsnr-spread") / 2};
}
SigmaLaw::Place by_range(const OptionValues&, const SigmaRange& range) {
  return {std::log(range.low), std::log(range.high / range.low)};
}

std::vector<OptionSpec> log_snr_numbers() {
  return {number("logsnr-mean", "M", "centre of log SNR = -2 log sigma").otherwise("0").at_least(-60).at_most(60),
          number("logsnr-spread", "W", "scale of the law of log SNR").otherwise("0.5").above(0).at_most(60)};
}

}  // namespace

const std::vector<SigmaLaw>& sigma_laws() {
  static const std::vector<SigmaLaw> all = {
      {"lognormal",
       "log sigma is normal",
       "Karras, Aittala, Aila, Laine 2022, table 1",
       {number("sigma-mean", "M", "mean of log sigma").otherwise("-1.2").at_least(-60).at_most(60),
        number("sigma-spread", "W", "standard deviation of log sigma").otherwise("1.2").above(0).at_most(60)},
       normal_cdf,
       normal_density,
       normal_quantile,
       by_log_sigma},
      {"laplace", "log SNR is of a Laplace law", "Hang, Gu, Geng, Guo 2024", log_snr_numbers(), laplace_cdf,
       laplace_density, laplace_quantile, by_log_snr},
      {"cauchy", "log SNR is of a Cauchy law", "Hang, Gu, Geng, Guo 2024", log_snr_numbers(), cauchy_cdf,
       cauchy_density, cauchy_quantile, by_log_snr},
      {"uniform", "log sigma is uniform", "", {}, uniform_cdf, uniform_density, uniform_quantile, by_range}};
  return all;
}

SigmaSampler::SigmaSampler(const SigmaLaw& law, const OptionValues& given, SigmaRange range)
    : range_(range), law_(&law), place_(law.place(given, range)) {
  if (range.low == range.high) throw UsageError("a law of noise levels needs a range A:B with A < B; or give --level");
  const auto mass_below = [&](double sigma) { return law.cdf((std::log(sigma) - place_.centre) / place_.scale); };
  below_ = mass_below(range.low);
  within_ = mass_below(range.high) - below_;
  if (!(within_ > 1e-6))
    throw UsageError("the law of noise levels has less than a millionth of its mass within --sigma-range");
}

double SigmaSampler::at(double u) const {
  if (law_ == nullptr) return range_.low;
  const double share = std::clamp(below_ + u * within_, 1e-300, 1 - 0x1p-53);
  return std::clamp(std::exp(place_.centre + place_.scale * law_->quantile(share)), range_.low, range_.high);
}

std::vector<SigmaSampler::Node> SigmaSampler::nodes() const {
  if (law_ == nullptr) return {{range_.low, 1}};
  const double begin = std::log(range_.low), end = std::log(range_.high);
  const double middle = std::clamp(place_.centre, begin, end);
  const QuadratureRule rule = gauss_legendre(kNodes);
  std::vector<Node> nodes;
  double total = 0;
  for (const auto& [from, to] : {std::pair{begin, middle}, std::pair{middle, end}}) {
    if (!(to > from)) continue;
    for (std::size_t k = 0; k < rule.nodes.size(); ++k) {
      const double log_sigma = from + (to - from) * (1 + rule.nodes[k]) / 2;
      const double mass = rule.weights[k] * (to - from) * law_->density((log_sigma - place_.centre) / place_.scale);
      nodes.push_back({std::exp(log_sigma), mass});
      total += mass;
    }
  }
  for (Node& node : nodes) node.probability /= total;
  return nodes;
}

}  // namespace noiseutils

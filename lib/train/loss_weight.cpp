#include "train/loss_weight.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {
namespace {

double snr_of(double sigma) { return 1 / (sigma * sigma); }

double uniform_weight(double, const OptionValues&) { return 1; }
double noise_weight(double sigma, const OptionValues&) { return snr_of(sigma); }
double edm_weight(double sigma, const OptionValues& given) {
  const double data = given.number("sigma-data");
  return 1 / (sigma * sigma) + 1 / (data * data);
}
double min_snr_weight(double sigma, const OptionValues& given) {
  return std::min(snr_of(sigma), given.number("snr-cap"));
}
double p2_weight(double sigma, const OptionValues& given) {
  return snr_of(sigma) / std::pow(given.number("p2-offset") + snr_of(sigma), given.number("p2-power"));
}
double debias_weight(double sigma, const OptionValues&) { return 1 / sigma; }

}  // namespace

const std::vector<LossWeight>& loss_weights() {
  static const std::vector<LossWeight> all = {
      {"uniform", "1", "", {}, uniform_weight},
      {"noise", "SNR: the plain error of the noise", "Ho, Jain, Abbeel 2020", {}, noise_weight},
      {"edm",
       "1 / sigma^2 + 1 / D^2",
       "Karras, Aittala, Aila, Laine 2022",
       {number("sigma-data", "D", "standard deviation of the data").otherwise("0.5").above(0).at_most(1e30)},
       edm_weight},
      {"min-snr",
       "the SNR, at most G",
       "Hang et al. 2023",
       {number("snr-cap", "G", "largest weight").otherwise("5").above(0).at_most(1e30)},
       min_snr_weight},
      {"p2",
       "SNR / (K + SNR)^G",
       "Choi et al. 2022",
       {number("p2-offset", "K", "added to the SNR").otherwise("1").above(0).at_most(1e30),
        number("p2-power", "G", "power; 0: that of noise").otherwise("1").at_least(0).at_most(10)},
       p2_weight},
      {"debias", "root of the SNR", "Yu et al. 2024", {}, debias_weight}};
  return all;
}

}  // namespace noiseutils

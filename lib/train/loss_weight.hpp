#pragma once

#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// A weight of the squared error at one noise level: one entry of loss_weights(). y = x + sigma n, SNR = 1 / sigma^2.
/// What papers write for the error of the noise, |eps_hat - eps|^2, is here for that of the estimate, |D - x|^2, which
/// is sigma^2 times as large; and |v_hat - v|^2 is (SNR + 1) |D - x|^2.
struct LossWeight {
  std::string name;
  std::string summary;
  std::string source;
  std::vector<OptionSpec> options;
  /// Of |D(y) - x|^2. `given` has values of `options`; sigma > 0.
  double (*of_estimate)(double sigma, const OptionValues& given);

  double of_noise(double sigma, const OptionValues& given) const { return sigma * sigma * of_estimate(sigma, given); }
  double of_velocity(double sigma, const OptionValues& given) const {
    return of_estimate(sigma, given) * sigma * sigma / (1 + sigma * sigma);
  }
};

/// uniform  1
/// noise    SNR, the plain loss of a network that predicts noise
/// edm      (sigma^2 + D^2) / (sigma D)^2, D the standard deviation of the data
/// min-snr  min(SNR, G)
/// p2       SNR / (K + SNR)^G
/// debias   sqrt(SNR)
const std::vector<LossWeight>& loss_weights();

}  // namespace noiseutils

#include "sample/sde_coefficients.hpp"

#include <cmath>

#include "sample/exponential.hpp"

namespace noiseutils {

SdeCoefficients sde_coefficients(double a, double b, double eta) {
  const double h = std::log(a / b), k = (1 + eta) * h, gain = -std::expm1(-k);
  return {h, std::exp(-k), gain, k * phi(2, -k), k * phi(3, -k), b * std::sqrt(-std::expm1(-2 * eta * h))};
}

OptionSpec sde_eta_option() {
  return number("eta", "E", "how much of the noise is drawn afresh; 0: none").otherwise("1").at_least(0).at_most(10);
}

}  // namespace noiseutils

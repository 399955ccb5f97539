#include "sample/exponential.hpp"

#include <cmath>

#include "base/error.hpp"

namespace noiseutils {
namespace {

double reciprocal_factorial(int k) {
  double value = 1;
  for (int j = 2; j <= k; ++j) value /= j;
  return value;
}

}  // namespace

double phi(int k, double z) {
  constexpr double kSeries = 2;  // below, the recurrence loses digits; above, the series takes many terms
  if (k == 0) return std::exp(z);
  if (std::abs(z) < kSeries) {  // sum_n z^n / (n + k)!
    double term = reciprocal_factorial(k), sum = term;
    for (int n = 1; std::abs(term) > 1e-18 * std::abs(sum); ++n) sum += term *= z / (n + k);
    return sum;
  }
  double value = std::expm1(z) / z;
  for (int j = 1; j < k; ++j) value = (value - reciprocal_factorial(j)) / z;
  return value;
}

std::vector<double> weights_of_moments(std::span<const double> nodes, std::span<const double> moments) {
  if (nodes.size() != moments.size()) throw InternalError("a quadrature rule needs as many moments as nodes");
  std::vector<double> weights;
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    std::vector<double> basis{1};  // coefficients of prod_(m != j) (t - t_m) / (t_j - t_m), from t^0 up
    for (std::size_t m = 0; m < nodes.size(); ++m) {
      if (m == j) continue;
      const double scale = 1 / (nodes[j] - nodes[m]);
      basis.push_back(0);
      for (std::size_t n = basis.size(); n-- > 0;)
        basis[n] = scale * ((n > 0 ? basis[n - 1] : 0) - nodes[m] * basis[n]);
    }
    double weight = 0;
    for (std::size_t n = 0; n < basis.size(); ++n) weight += basis[n] * moments[n];
    weights.push_back(weight);
  }
  return weights;
}

std::vector<double> adams_bashforth(int k) {
  std::vector<double> nodes, moments;
  for (int n = 0; n < k; ++n) {
    nodes.push_back(-n);
    moments.push_back(1.0 / (n + 1));
  }
  return weights_of_moments(nodes, moments);
}

}  // namespace noiseutils

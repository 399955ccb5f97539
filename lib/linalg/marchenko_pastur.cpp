#include "linalg/marchenko_pastur.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace noiseutils {

double marchenko_pastur_median(double gamma) {
  // x = m + r cos(phi): the integrand is smooth, and periodic, in phi. Simpson's rule from the lower end, x = a, on.
  constexpr std::int64_t kPanels = 4096;
  const double m = 1 + gamma, r = 2 * std::sqrt(gamma);
  const auto x = [=](double phi) { return m - r * std::cos(phi); };  // rising in phi from 0 to pi
  const auto integrand = [=](double phi) {
    // At gamma = 1, phi = 0: sin^2 / (1 - cos) -> 1 + cos.
    if (gamma == 1) return (1 + std::cos(phi)) / std::numbers::pi;
    const double s = r * std::sin(phi);
    return s * s / (2 * std::numbers::pi * gamma * x(phi));
  };
  const double step = std::numbers::pi / kPanels;
  double below = 0;
  for (std::int64_t i = 0; i < kPanels; ++i) {
    const double phi = static_cast<double>(i) * step;
    const double panel = step / 6 * (integrand(phi) + 4 * integrand(phi + step / 2) + integrand(phi + step));
    if (below + panel >= 0.5) {
      // Within a panel the distribution is next to linear in phi but for its second order, which one step of Newton
      // from the linear guess takes in.
      double at = phi + step * (0.5 - below) / panel;
      const double middle = 0.5 * (phi + at);
      const double found = below + (at - phi) / 6 * (integrand(phi) + 4 * integrand(middle) + integrand(at));
      at += (0.5 - found) / integrand(at);
      return x(at);
    }
    below += panel;
  }
  return x(std::numbers::pi);
}

double marchenko_pastur_edge(double gamma) { return (1 + std::sqrt(gamma)) * (1 + std::sqrt(gamma)); }

double bulk_variance(const std::vector<double>& eigenvalues, double degrees) {
  const auto p = static_cast<double>(eigenvalues.size());
  const auto end = std::find(eigenvalues.begin(), eigenvalues.end(), 0.0);
  const auto count = static_cast<std::size_t>(end - eigenvalues.begin());
  if (count == 0) return 0;
  const double median = 0.5 * (eigenvalues[(count - 1) / 2] + eigenvalues[count / 2]);
  const double gamma = p / degrees;
  if (gamma <= 1) return median / marchenko_pastur_median(gamma);
  return median / (gamma * marchenko_pastur_median(1 / gamma));
}

std::int64_t count_above_bulk(const std::vector<double>& eigenvalues, double degrees) {
  constexpr double kRarely = 2.0234;  // the 99 % quantile of the law of Tracy and Widom for real matrices
  const double n = std::sqrt(degrees - 0.5), p = std::sqrt(static_cast<double>(eigenvalues.size()) - 0.5);
  const double centre = (n + p) * (n + p), scale = (n + p) * std::cbrt(1 / n + 1 / p);
  const double bound = bulk_variance(eigenvalues, degrees) * (centre + kRarely * scale) / degrees;
  return std::count_if(eigenvalues.begin(), eigenvalues.end(), [=](double value) { return value > bound; });
}

double singular_value_gain(double square, double beta) {
  if (square <= marchenko_pastur_edge(beta)) return 0;
  const double middle = square - beta - 1;
  return std::sqrt(middle * middle - 4 * beta) / square;
}

NoiseTail noise_tail(const std::vector<double>& eigenvalues, std::int64_t q) {
  const auto r = static_cast<std::int64_t>(eigenvalues.size());
  const auto columns = static_cast<double>(q);
  const double least = std::max(0.0, eigenvalues.front()) / columns;
  NoiseTail tail{least, 1};
  double sum = 0;
  for (std::int64_t p = 0; p < r; ++p) {
    const double value = std::max(0.0, eigenvalues[static_cast<std::size_t>(p)]) / columns;
    sum += value;
    const auto count = static_cast<double>(p + 1);
    const double gamma = count / (columns - static_cast<double>(r - p - 1));
    if ((value - least) / (4 * std::sqrt(gamma)) < sum / count) tail = {sum / count, p + 1};
  }
  return tail;
}

}  // namespace noiseutils

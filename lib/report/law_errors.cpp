#include "report/law_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace noiseutils {
namespace {

double squared(double x) { return x * x; }

/// error / size, of which 0 / 0 is no error.
double relative(double error, double size) { return error == 0 ? 0 : error / size; }

/// Draws with no weight, as of eta 0, are none.
bool is_noisy(const AffineLaw& law) {
  return std::any_of(law.noise.begin(), law.noise.end(), [](const std::vector<double>& draw) {
    return std::any_of(draw.begin(), draw.end(), [](double c) { return c != 0; });
  });
}

}  // namespace

Spectrum spectrum_of(const LinearModel& model) {
  // U^T (0 - mu), and what of mu lies outside the span: mu + U U^T (0 - mu)
  const std::vector<double> zero(static_cast<std::size_t>(model.dim()), 0.0);
  std::vector<double> c(static_cast<std::size_t>(model.rank())), rest(zero.size());
  model.coefficients(std::span<const double>(zero), std::span<double>(c));
  std::map<double, std::pair<double, double>> modes;  // lambda: multiplicity, mean square
  for (std::size_t k = 0; k < c.size(); ++k) {
    auto& [count, square] = modes[model.eigenvalues()[k]];
    count += 1;
    square += c[k] * c[k];
  }
  if (model.rank() < model.dim()) {
    model.synthesise(std::span<const double>(c), std::span<double>(rest));
    auto& [count, square] = modes[model.residual_variance()];
    count += static_cast<double>(model.dim() - model.rank());
    for (const double value : rest) square += value * value;
  }
  Spectrum spectrum;
  for (const auto& [lambda, mode] : modes) {
    spectrum.lambda.push_back(lambda);
    spectrum.multiplicity.push_back(mode.first);
    spectrum.mean_square.push_back(mode.second);
  }
  return spectrum;
}

LawErrors law_errors(const AffineLaw& law, const Spectrum& spectrum, double s0, double s1, StartLaw start) {
  const double start_mean = start == StartLaw::exact ? 1 : 0;  // in units of mu
  double mean = 0, w2 = 0, off_variance = 0, variance = 0, off_flow = 0, flow = 0, mean_square = 0;
  for (std::size_t k = 0; k < spectrum.lambda.size(); ++k) {
    const double lambda = spectrum.lambda[k], count = spectrum.multiplicity[k], square = spectrum.mean_square[k];
    const double start_variance = s0 * s0 + (start == StartLaw::exact ? lambda : 0);
    const double m = law.start[k] * start_mean + law.mean[k], v = law.variance(k, start_variance);
    const double target = lambda + s1 * s1, f = std::sqrt(target / (lambda + s0 * s0));
    const double flow_mean = f * start_mean + 1 - f;
    mean += squared(m - 1) * square;
    mean_square += square;
    w2 += count * squared(std::sqrt(v) - std::sqrt(target));
    off_variance += count * std::abs(v - target);
    variance += count * target;
    off_flow += count * squared(law.start[k] - f) * start_variance + squared(m - flow_mean) * square;
    flow += count * f * f * start_variance + squared(flow_mean) * square;
  }
  LawErrors errors;
  errors.w2 = std::sqrt(mean + w2);
  errors.mean = relative(std::sqrt(mean), std::sqrt(mean_square));
  errors.variance = relative(off_variance, variance);
  errors.flow =
      is_noisy(law) ? std::numeric_limits<double>::quiet_NaN() : relative(std::sqrt(off_flow), std::sqrt(flow));
  return errors;
}

}  // namespace noiseutils

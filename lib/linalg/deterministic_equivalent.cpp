#include "linalg/deterministic_equivalent.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "linalg/gauss_legendre.hpp"

namespace noiseutils {
namespace {

constexpr int kIterations = 200;
constexpr std::size_t kNodes = 200;  // of integrals over u = sqrt(t)

/// sum m l / (l + tau) and its derivative.
struct Trace {
  double value = 0, slope = 0;
};
Trace resolvent_trace(const std::vector<double>& values, const std::vector<double>& multiplicity, double tau) {
  Trace f;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = values[i] / (values[i] + tau);
    f.value += multiplicity[i] * share;
    f.slope -= multiplicity[i] * share / (values[i] + tau);
  }
  return f;
}

/// Where a function that is below 0 at `low` and not at `high` passes 0: Newton's steps, halving where they leave the
/// bracket.
double root(double low, double high, const std::function<Trace(double)>& function) {
  double x = high;
  for (int i = 0; i < kIterations; ++i) {
    const Trace h = function(x);
    (h.value < 0 ? low : high) = x;
    double next = x - h.value / h.slope;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (next == x || std::abs(next - x) <= 1e-15 * next) return next;
    x = next;
  }
  return x;
}

}  // namespace

EquivalentSpectrum EquivalentSpectrum::known(std::vector<double> lambda, std::vector<double> multiplicity) {
  if (multiplicity.empty()) multiplicity.assign(lambda.size(), 1.0);
  if (multiplicity.size() != lambda.size()) throw InternalError("a spectrum has a multiplicity for each variance");
  std::vector<std::size_t> order(lambda.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lambda[a] > lambda[b]; });
  EquivalentSpectrum spectrum;
  for (const std::size_t i : order) {
    spectrum.dim_ += multiplicity[i];
    spectrum.trace_ += multiplicity[i] * lambda[i];
    if (!(lambda[i] > 0)) continue;
    spectrum.values_.push_back(lambda[i]);
    spectrum.multiplicity_.push_back(multiplicity[i]);
  }
  return spectrum;
}

EquivalentSpectrum EquivalentSpectrum::sampled(std::vector<double> eigenvalues, double degrees, double dim) {
  EquivalentSpectrum spectrum = known(std::move(eigenvalues));
  spectrum.dim_ = dim;
  spectrum.inverse_degrees_ = 1 / degrees;
  return spectrum;
}

double EquivalentSpectrum::effective_dim() const {
  double square = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) square += multiplicity_[i] * values_[i] * values_[i];
  // Of a sample E tr S^2 = tr Sigma^2 (1 + 1/N) + (tr Sigma)^2 / N and E (tr S)^2 = (tr Sigma)^2 + 2 tr Sigma^2 / N.
  const double w = inverse_degrees_, trace2 = trace_ * trace_;
  return (trace2 * (1 + w) - 2 * w * square) / (square - w * trace2);
}

EffectiveNoise EquivalentSpectrum::at_tau(double tau, double t, double inverse_n) const {
  const Trace f = resolvent_trace(values_, multiplicity_, tau);
  const double left = 1 - inverse_degrees_ * f.value;
  EffectiveNoise noise;
  noise.t = t;
  noise.kappa = tau / left;
  noise.df1 = f.value;
  noise.curvature = -f.slope / (1 / left + tau * inverse_degrees_ * f.slope / (left * left));
  noise.df2 = noise.df1 - noise.kappa * noise.curvature;
  noise.slope = 1 / (1 - inverse_n * noise.df2);
  return noise;
}

/// tau of t = tau (1 - f / n) / (1 - f / N). Between t, as n <= N, and t + tr Sigma / n, as kappa df1 <= tr Sigma.
double EquivalentSpectrum::solve(double t, double inverse_n) const {
  const double w = inverse_degrees_, high = t + trace_ * inverse_n;
  if (t == 0) {
    double rank = 0;
    for (const double count : multiplicity_) rank += count;
    if (rank * inverse_n <= 1) return 0;
    return root(0, high, [&](double tau) {  // f(tau) = n
      const Trace f = resolvent_trace(values_, multiplicity_, tau);
      return Trace{1 - inverse_n * f.value, -inverse_n * f.slope};
    });
  }
  return root(t, high, [&](double tau) {
    const Trace f = resolvent_trace(values_, multiplicity_, tau);
    return Trace{tau * (1 - inverse_n * f.value) - t * (1 - w * f.value),
                 1 - inverse_n * (f.value + tau * f.slope) + t * w * f.slope};
  });
}

EffectiveNoise EquivalentSpectrum::at(double t, double degrees) const {
  const double inverse_n = 1 / degrees;
  return at_tau(solve(t, inverse_n), t, inverse_n);
}

std::optional<double> EquivalentSpectrum::degrees_of_freedom(double kappa) const {
  const double w = inverse_degrees_;
  const auto h = [&](double tau) {
    const Trace f = resolvent_trace(values_, multiplicity_, tau);
    return Trace{tau - kappa * (1 - w * f.value), 1 + kappa * w * f.slope};
  };
  if (w == 0) return resolvent_trace(values_, multiplicity_, kappa).value;
  const double low = 1e-6 * std::min(kappa, values_.empty() ? kappa : values_.back());
  if (!(h(low).value < 0)) return std::nullopt;
  return resolvent_trace(values_, multiplicity_, root(low, kappa, h)).value;
}

SplitDenoisers split_denoisers(const EquivalentSpectrum& spectrum, double t, double count) {
  const double n = count - 1;
  const EffectiveNoise noise = spectrum.at(t, n);
  const double kappa2 = noise.kappa * noise.kappa, b = noise.curvature;
  const double energy = noise.df2 + t * b;  // sum lambda (lambda + t) / (lambda + kappa)^2
  const double scatter = kappa2 * b / (n - noise.df2);
  const double v = scatter * energy, m = scatter * n / count;
  // sum lambda^3 / (lambda + kappa)^2 by lambda^2 = (lambda + kappa - kappa)^2
  const double a = spectrum.trace() - 2 * noise.kappa * noise.df1 + kappa2 * b + t * noise.df2;
  SplitDenoisers split;
  split.gap = 2 * (v + m);
  split.cosine = a / (a + v + m);
  split.test_mse = kappa2 * b + t * noise.df2 + v + m;
  split.train_mse = t * noise.df1 - t * t / count * b * noise.slope;
  return split;
}

namespace {

/// Nodes and weights of int_0^inf du by u = scale tan(theta).
struct HalfLine {
  std::vector<double> u, weights;
};
HalfLine half_line(double scale) {
  const QuadratureRule rule = gauss_legendre(kNodes);
  HalfLine line;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const double theta = std::numbers::pi / 4 * (1 + rule.nodes[i]), cosine = std::cos(theta);
    line.u.push_back(scale * std::tan(theta));
    line.weights.push_back(std::numbers::pi / 4 * rule.weights[i] * scale / (cosine * cosine));
  }
  return line;
}

}  // namespace

std::vector<double> root_gains(const EquivalentSpectrum& spectrum, double degrees) {
  if (spectrum.inverse_degrees() > 0) throw InternalError("root_gains: the spectrum is not known");
  const HalfLine line = half_line(std::sqrt(spectrum.trace() / spectrum.dim()));
  std::vector<double> gains(spectrum.values().size());
  for (std::size_t k = 0; k < line.u.size(); ++k) {
    const double kappa = spectrum.at(line.u[k] * line.u[k], degrees).kappa;
    for (std::size_t i = 0; i < gains.size(); ++i)
      gains[i] += 2 / std::numbers::pi * line.weights[k] * spectrum.values()[i] / (spectrum.values()[i] + kappa);
  }
  return gains;
}

double sample_similarity(const EquivalentSpectrum& spectrum, double degrees) {
  const HalfLine line = half_line(std::sqrt(spectrum.trace() / spectrum.dim()));
  std::vector<EffectiveNoise> at;
  for (const double u : line.u) at.push_back(spectrum.at(u * u, degrees));
  double sum = 0;
  for (std::size_t i = 0; i < at.size(); ++i)
    for (std::size_t j = 0; j < at.size(); ++j) {
      const double difference = at[i].kappa - at[j].kappa;
      const bool close = std::abs(difference) < 1e-7 * at[i].kappa;
      const double overlap =
          close ? (at[i].df2 + at[j].df2) / 2 : (at[i].kappa * at[i].df1 - at[j].kappa * at[j].df1) / difference;
      sum += line.weights[i] * line.weights[j] * overlap;
    }
  return 4 / (std::numbers::pi * std::numbers::pi) * sum / spectrum.trace();
}

}  // namespace noiseutils

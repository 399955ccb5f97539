#include "score/divergence.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "linalg/vector_block.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/linear_model.hpp"
#include "score/flow_field.hpp"

namespace noiseutils {
namespace {

double sum_of(const Gains& gains, const LinearModel& model) {
  return std::accumulate(gains.coefficients.begin(), gains.coefficients.end(), 0.0) +
         static_cast<double>(model.dim() - model.rank()) * gains.residual;
}

/// tr J over unit vectors.
double trace_of_products(const Model& model, double s, std::span<const double> x) {
  std::vector<double> unit(x.size(), 0.0), column(x.size());
  double trace = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    unit[i] = 1;
    model.jacobian_product(s, x, unit, column);
    trace += column[i];
    unit[i] = 0;
  }
  return trace;
}

/// Of D(y; alpha, sigma), from the trace of D(.; s) and what it lacks to d.
Divergence divergence_of(const JacobianTrace& of, const NoiseLevel& level) {
  return {of.trace / level.alpha, -of.remaining / (level.sigma * level.sigma), 0};
}

}  // namespace

JacobianTrace jacobian_trace(const Model& model, double s, std::span<const double> x) {
  const auto dim = static_cast<double>(model.dim());
  if (const LinearModel* linear = model.linear()) {
    const double t = s * s;
    return {sum_of(linear->wiener_gains(s), *linear),
            sum_of(linear->gains([&](double lambda) { return t / (lambda + t); }), *linear)};
  }
  double trace = 0;
  if (dynamic_cast<const FittedDenoiser*>(&model) != nullptr) {
    trace = trace_of_products(model, s, x);
  } else {
    std::vector<double> variance(x.size());
    model.posterior(s)->variance(x, variance);
    trace = std::accumulate(variance.begin(), variance.end(), 0.0) / (s * s);
  }
  return {trace, dim - trace};
}

Divergence divergence_of_trace(double trace, std::int64_t dim, const NoiseLevel& level) {
  const double own = level.alpha * trace;
  return divergence_of({own, static_cast<double>(dim) - own}, level);
}

Divergence unknown_divergence() {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  return {kUnknown, kUnknown, kUnknown};
}

Divergence exact_divergence(const JacobianAt& jacobian) {
  if (!jacobian.is_exact())
    throw UsageError("the divergence of a program, and of an average over patches, needs --probes");
  if (!jacobian.is_finite()) return unknown_divergence();
  return divergence_of(jacobian_trace(*jacobian.model(), jacobian.level().relative(), jacobian.noisy_vector()),
                       jacobian.level());
}

Divergence probed_divergence(const JacobianAt& jacobian, std::int64_t probes, std::uint64_t seed, std::int64_t sample) {
  const NoiseLevel& level = jacobian.level();
  std::vector<double> product(static_cast<std::size_t>(jacobian.dim()));
  double mean = 0, squares = 0, count = 0;
  for (const auto& v : sign_probes(probes, jacobian.dim(), seed, sample)) {
    jacobian.product(v, product);
    const double value = dot_product(v, product), before = value - mean;
    mean += before / ++count;
    squares += before * (value - mean);
  }
  Divergence found = divergence_of_trace(mean, jacobian.dim(), level);
  found.error = std::sqrt(squares / (count * (count - 1)));
  return found;
}

}  // namespace noiseutils
